import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Account, accountOf, isLocked, toItem } from '../../../services/account-guard/account-item.ts';
import type { LockAlert } from '../../../services/account-guard/alert-message.ts';
import { decideLock, decideUnlock } from '../../../services/account-guard/decisions.ts';

const day = 86_400_000;
const start = 1_790_000_000_000;
const alert = (alertId: string): LockAlert => ({ alertId, ruleId: 'churn', ruleVersion: 2, userId: 'user-1', reason: 'because' });
const person = { by: 'ann', reason: 'a travel agent' };

describe('the decision about a lock', () => {
  it('locks an account that nobody locked before, for the whole duration', () => {
    assert.deepEqual(decideLock(undefined, alert('a'), start, day), {
      effect: 'locked',
      account: {
        userId: 'user-1',
        item: 'account',
        version: 1,
        status: 'locked',
        reason: 'because',
        alertId: 'a',
        ruleId: 'churn',
        lockedAt: start,
        lockedUntil: start + day,
      },
    });
  });

  it('lengthens a lock that is in force, from when it began, and names the alert that it lasts for', () => {
    const { account } = decideLock(undefined, alert('a'), start, day);
    const second = decideLock(account, alert('b'), start + 1, day);
    assert.equal(second.effect, 'extended');
    assert.deepEqual(second.account, { ...account, version: 2, alertId: 'b', lockedUntil: start + 1 + day });
  });

  it('leaves a lock alone that lasts as long or longer', () => {
    const { account } = decideLock(undefined, alert('a'), start, day);
    assert.deepEqual(decideLock(account, alert('b'), start, day), { effect: 'covered', account });
    assert.deepEqual(decideLock(account, alert('b'), start + 1, day - 1), { effect: 'covered', account });
    assert.equal(decideLock(account, alert('b'), start + 1, day).effect, 'extended');
  });

  it('takes a lock for none from the very moment it ran out', () => {
    const { account } = decideLock(undefined, alert('a'), start, day);
    const [last, over] = [start + day - 1, start + day];
    assert.deepEqual([isLocked(account, last), isLocked(account, over)], [true, false]);
    assert.deepEqual(
      [last, over].map((now) => decideLock(account, alert('b'), now, day)).map(({ effect, account: { lockedAt } }) => [effect, lockedAt]),
      [
        ['extended', start],
        ['locked', over],
      ],
    );
  });

  it('locks again after an unlock', () => {
    const { account } = decideLock(undefined, alert('a'), start, day);
    const unlocked = decideUnlock(account, person, start + 5);
    assert.ok(unlocked.kind === 'unlock');
    const again = decideLock(unlocked.account, alert('b'), start + 9, day);
    assert.deepEqual([again.effect, again.account.version, again.account.lockedAt], ['locked', 3, start + 9]);
  });

  it('never shortens a lock, and every change raises the version by one', () => {
    const step = fc.record({ after: fc.nat(3), lockMs: fc.integer({ min: 1, max: 6 }), unlock: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let account: Account | undefined;
        let now = start;
        for (const { after, lockMs, unlock } of steps) {
          now += after;
          const before = account;
          if (unlock) {
            const decision = decideUnlock(account, person, now);
            account = decision.kind === 'unlock' ? decision.account : account;
            assert.equal(isLocked(account, now), false);
          } else {
            const decision = decideLock(account, alert('a'), now, lockMs);
            account = decision.account;
            assert.ok(decision.account.lockedUntil >= now + lockMs && decision.account.lockedAt <= now);
            if (isLocked(before, now)) assert.ok(decision.account.lockedUntil >= before.lockedUntil);
          }
          if (account !== before) assert.equal(account?.version, (before?.version ?? 0) + 1);
        }
      }),
    );
  });
});

describe('the decision about an unlock', () => {
  it('opens a locked account and says who did it and why', () => {
    const { account: lock } = decideLock(undefined, alert('a'), start, day);
    assert.deepEqual(decideUnlock(lock, person, start + 5), {
      kind: 'unlock',
      lock,
      account: {
        userId: 'user-1',
        item: 'account',
        version: 2,
        status: 'active',
        unlockedAt: start + 5,
        unlockedBy: 'ann',
        unlockReason: 'a travel agent',
      },
    });
  });

  it('changes nothing at an account that is not locked, or no longer, or unknown', () => {
    const { account: lock } = decideLock(undefined, alert('a'), start, day);
    assert.deepEqual(decideUnlock(undefined, person, start), { kind: 'unknown' });
    assert.deepEqual(decideUnlock(lock, person, start + day), { kind: 'not-locked', account: lock });
    const unlocked = decideUnlock(lock, person, start);
    assert.ok(unlocked.kind === 'unlock');
    assert.equal(decideUnlock(unlocked.account, person, start + 1).kind, 'not-locked');
  });
});

describe('the item of an account', () => {
  it('is read back as it was written', () => {
    const { account: lock } = decideLock(undefined, alert('a'), start, day);
    const unlocked = decideUnlock(lock, person, start);
    assert.ok(unlocked.kind === 'unlock');
    for (const account of [lock, unlocked.account]) assert.deepEqual(accountOf(toItem(account)), account);
  });

  it('that breaks its contract is an error, not a guess', () => {
    const { account } = decideLock(undefined, alert('a'), start, day);
    const { lockedUntil: _, ...endless } = account;
    assert.throws(() => accountOf(toItem(endless)), { code: 'PROTOCOL', message: /user-1.*lockedUntil/s });
  });
});
