import assert from 'node:assert/strict';
import { cachedLogin, type IssuedLogin, renewBeforeMs } from '../../../../services/lib/warehouse/credentials.ts';

/** Issues a-1, a-2, … for an hour each, on a clock that the test sets; fails while `broken`. */
function setUp() {
  const t = { now: 0, issued: 0, broken: false };
  const issue = async (): Promise<IssuedLogin> => {
    if (t.broken) throw new Error('away');
    return { user: `a-${++t.issued}`, expiresAt: t.now + 3_600_000 };
  };
  const source = cachedLogin(issue, () => t.now);
  return { t, source, user: async () => (await source.get()).user };
}

describe('temporary login', () => {
  it('is kept until 5 minutes before it expires', async () => {
    const { t, user } = setUp();
    assert.equal(renewBeforeMs, 300_000);
    assert.equal(await user(), 'a-1');
    t.now = 3_600_000 - 300_001;
    assert.equal(await user(), 'a-1');
    t.now += 1;
    assert.equal(await user(), 'a-2');
  });

  it('is asked for once, however many sessions wait for it', async () => {
    const { t, user } = setUp();
    assert.deepEqual(await Promise.all([user(), user(), user()]), ['a-1', 'a-1', 'a-1']);
    assert.equal(t.issued, 1);
  });

  it('serves to its end while no other is issued, and not beyond', async () => {
    const { t, user } = setUp();
    await user();
    t.broken = true;
    t.now = 3_599_999;
    assert.equal(await user(), 'a-1');
    t.now = 3_600_000;
    await assert.rejects(user(), /away/);
    t.broken = false;
    assert.equal(await user(), 'a-2');
  });

  it('that was refused is not used again', async () => {
    const { source, user } = setUp();
    await user();
    source.forget();
    assert.equal(await user(), 'a-2');
  });
});
