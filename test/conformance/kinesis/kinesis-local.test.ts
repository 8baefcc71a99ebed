import assert from 'node:assert/strict';
import { requirePart } from '../../support/optional.ts';
import { isLoopback, listenersOf } from '../../support/sockets.ts';
import { checks } from './checks/index.ts';
import { runCheck } from './run.ts';
import { Session } from './session.ts';
import { type KinesisLocalTarget, kinesisLocalTarget } from './targets/kinesis-local.ts';

/**
 * What takes kinesis-local seconds each is left to `npm run conformance -- --kinesis kinesis-local`: its subscriptions push about
 * once a second, and the checks of throughput move 10 MiB through a server that does not limit any.
 */
const slow = /^SubscribeToShard: (?!no )|10 MiB|more than 1 MiB|about 1,000 records|refused entry|only what was stored|20 consumers/;

describe('kinesis-local differs from the API reference where its list says so, and nowhere else', function () {
  this.timeout(40_000);
  let target: KinesisLocalTarget;
  let session: Session;

  before(async () => {
    target = await kinesisLocalTarget();
    session = new Session(target);
  });
  after(async () => {
    await session.close();
    await target.stop();
  });

  for (const check of checks.filter(({ id, needs }) => needs === undefined && !slow.test(id))) {
    it(check.id, async () => {
      const outcome = await runCheck(check, session);
      assert.ok('ok' in outcome && outcome.ok, JSON.stringify(outcome));
    });
  }

  it('listens on the loopback alone', function () {
    requirePart(this, 'linux');
    const listeners = listenersOf([target.pid]);
    assert.equal(listeners.length, 2);
    assert.deepEqual(
      listeners.filter((listener) => !isLoopback(listener)),
      [],
    );
  });
});
