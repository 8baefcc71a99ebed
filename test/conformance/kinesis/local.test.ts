import assert from 'node:assert/strict';
import type { Capability } from './check.ts';
import { checks } from './checks/index.ts';
import { runCheck } from './run.ts';
import { Session } from './session.ts';
import { type Target, type Transport, transports } from './target.ts';
import { localTarget } from './targets/local.ts';

/** Everything runs over HTTP/2. */
const leftOut: Readonly<Record<Transport, readonly Capability[]>> = { http2: [], http1: ['slow-states'] };

for (const transport of transports) {
  describe(`the local Kinesis conforms to the API reference, over ${transport}`, function () {
    this.timeout(30_000);
    let target: Target;
    let session: Session;

    before(async () => {
      target = await localTarget(transport);
      session = new Session(target);
    });
    after(async () => {
      await session.close();
      await target.stop();
    });

    for (const check of checks) {
      it(check.id, async () => {
        const unsupported = check.needs?.filter((need) => leftOut[transport].includes(need)) ?? [];
        const expected = unsupported.length > 0 ? { id: check.id, unsupported } : { id: check.id, ok: true };
        assert.deepEqual(await runCheck(check, session), expected);
      });
    }

    it('without a request to a stream that is not of this run', () => {
      assert.ok(session.guard.addressed.size > 100);
      assert.deepEqual(
        [...session.guard.addressed].filter((name) => !name.startsWith(session.guard.prefix)),
        [],
      );
    });
  });
}
