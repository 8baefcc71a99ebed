import { type Account, accountItem, isLocked, type LockedAccount } from './account-item.ts';
import type { LockAlert } from './alert-message.ts';

/**
 * What an alert does that was not acted on before.
 * locked: the account was open. extended: it was locked, now for longer. covered: it is locked at least as long already.
 */
export type LockDecision =
  | { readonly effect: 'locked' | 'extended'; readonly account: LockedAccount }
  | { readonly effect: 'covered'; readonly account: LockedAccount };

/** `account`: as it stands; `now`: epoch ms; `lockMs`: how long a lock lasts. A lock that ran out is none. */
export function decideLock(account: Account | undefined, alert: LockAlert, now: number, lockMs: number): LockDecision {
  const current = isLocked(account, now) ? account : undefined;
  const lockedUntil = now + lockMs;
  if (current !== undefined && current.lockedUntil >= lockedUntil) return { effect: 'covered', account: current };
  return {
    effect: current === undefined ? 'locked' : 'extended',
    account: {
      userId: alert.userId,
      item: accountItem,
      version: (account?.version ?? 0) + 1,
      status: 'locked',
      reason: alert.reason,
      alertId: alert.alertId,
      ruleId: alert.ruleId,
      lockedAt: current?.lockedAt ?? now,
      lockedUntil,
    },
  };
}

export type UnlockDecision =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'not-locked'; readonly account: Account }
  | { readonly kind: 'unlock'; readonly lock: LockedAccount; readonly account: Account };

/** `by`, `reason`: who unlocks and why. Nothing is written for an account that is not locked at `now` (epoch ms). */
export function decideUnlock(
  account: Account | undefined,
  { by, reason }: { readonly by: string; readonly reason: string },
  now: number,
): UnlockDecision {
  if (account === undefined) return { kind: 'unknown' };
  if (!isLocked(account, now)) return { kind: 'not-locked', account };
  const { userId, item, version } = account;
  return {
    kind: 'unlock',
    lock: account,
    account: { userId, item, version: version + 1, status: 'active', unlockedAt: now, unlockedBy: by, unlockReason: reason },
  };
}
