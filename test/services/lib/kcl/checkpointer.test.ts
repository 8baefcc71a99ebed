import assert from 'node:assert/strict';
import type { WireCheckpointer } from 'aws-kcl';
import { ShardCheckpointer } from '../../../../services/lib/kcl/checkpointer.ts';
import { position, shardEnd, trimHorizon } from '../../../../services/lib/kcl/position.ts';
import { createLogger } from '../../../../services/lib/process/log.ts';
import { Metrics } from '../../../../services/lib/process/metrics.ts';

/** A daemon that answers from a list (empty: success) and remembers what it was asked. */
function setUp(answers: (string | null)[] = []) {
  const asked: (string | null)[] = [];
  const pauses: number[] = [];
  const wire: WireCheckpointer = {
    checkpoint(sequenceNumber, callback) {
      asked.push(sequenceNumber);
      setImmediate(() => callback(answers.shift() ?? null));
    },
  };
  const metrics = new Metrics();
  const checkpointer = new ShardCheckpointer(
    createLogger('test', 'error', () => {}),
    metrics,
    async (ms) => void pauses.push(ms),
  );
  checkpointer.initialize(position('100', 0));
  return { asked, pauses, wire, metrics, checkpointer };
}

describe('checkpointer', () => {
  it('checkpoints all that was delivered, the last sub-sequence included', async () => {
    const { asked, wire, checkpointer } = setUp();
    checkpointer.open(wire, { delivered: position('105', 7) });
    assert.deepEqual(await checkpointer.all(), { ok: true });
    assert.deepEqual(asked, [null]);
    assert.equal(checkpointer.last, position('105', 7));
  });

  it('asks the daemon nothing when everything delivered is checkpointed already', async () => {
    const { asked, wire, checkpointer } = setUp();
    checkpointer.open(wire);
    assert.deepEqual(await checkpointer.all(), { ok: true });
    assert.deepEqual(asked, []);
  });

  it('at a sequence number means its sub-sequence 0', async () => {
    const { asked, wire, checkpointer } = setUp();
    checkpointer.open(wire, { delivered: position('105', 7) });
    assert.deepEqual(await checkpointer.at('104'), { ok: true });
    assert.deepEqual(asked, ['104']);
    assert.equal(checkpointer.last, position('104', 0));
  });

  it('skips a number that is not beyond the last one, as after a checkpoint inside its aggregate', async () => {
    const { asked, wire, checkpointer } = setUp();
    checkpointer.open(wire, { delivered: position('105', 7) });
    await checkpointer.all();
    const outcome = await checkpointer.at('105');
    assert.equal(!outcome.ok && outcome.reason, 'bounds');
    assert.deepEqual(asked, [null]);
    assert.equal(checkpointer.last, position('105', 7));
  });

  it('tries again with growing pauses when the table is throttled', async () => {
    const { asked, pauses, wire, checkpointer } = setUp(['ThrottlingException', 'KinesisClientLibDependencyException', null]);
    checkpointer.open(wire, { delivered: position('105') });
    assert.deepEqual(await checkpointer.all(), { ok: true });
    assert.equal(asked.length, 3);
    assert.deepEqual(pauses, [100, 200]);
  });

  it('gives up on a table that stays throttled, and keeps the last position', async () => {
    const { asked, wire, checkpointer } = setUp(Array.from({ length: 20 }, () => 'ThrottlingException'));
    checkpointer.open(wire, { delivered: position('105') });
    const outcome = await checkpointer.all();
    assert.equal(!outcome.ok && outcome.reason, 'failed');
    assert.equal(asked.length, 7);
    assert.equal(checkpointer.last, position('100'));
  });

  for (const [error, reason] of [
    ['IllegalArgumentException', 'bounds'],
    ['InvalidStateException', 'bounds'],
    ['ShutdownException', 'lost'],
    ['SomethingNew', 'failed'],
  ] as const) {
    it(`takes ${error} for ${reason} and does not repeat`, async () => {
      const { asked, wire, checkpointer } = setUp([error]);
      checkpointer.open(wire, { delivered: position('105') });
      const outcome = await checkpointer.all();
      assert.deepEqual(outcome, { ok: false, reason, error });
      assert.equal(asked.length, 1);
      assert.equal(checkpointer.lastFailure, reason);
    });
  }

  it('has one checkpoint under way at a time', async () => {
    let open = 0;
    let most = 0;
    const checkpointer = new ShardCheckpointer(
      createLogger('test', 'error', () => {}),
      new Metrics(),
    );
    checkpointer.open(
      {
        checkpoint(_, callback) {
          most = Math.max(most, ++open);
          setTimeout(() => {
            open -= 1;
            callback(null);
          }, 1);
        },
      },
      { delivered: position('9') },
    );
    await Promise.all([checkpointer.at('5'), checkpointer.at('7'), checkpointer.all()]);
    assert.equal(most, 1);
    assert.equal(checkpointer.last, position('9'));
  });

  it('refuses outside an action, where the daemon would read it as part of the next one', async () => {
    const { asked, wire, checkpointer } = setUp();
    checkpointer.open(wire, { delivered: position('105') });
    await checkpointer.close();
    const outcome = await checkpointer.all();
    assert.equal(!outcome.ok && outcome.reason, 'failed');
    assert.deepEqual(asked, []);
  });

  it('is not closed while a checkpoint is under way, awaited or not', async () => {
    const { wire, checkpointer } = setUp();
    checkpointer.open(wire, { delivered: position('105') });
    void checkpointer.all();
    await checkpointer.close();
    assert.equal(checkpointer.last, position('105'));
  });

  it('sets SHARD_END at the end of the shard even with nothing new', async () => {
    const { asked, wire, checkpointer } = setUp();
    checkpointer.open(wire, { shardEnded: true });
    assert.deepEqual(await checkpointer.all(), { ok: true });
    assert.deepEqual(asked, [null]);
    assert.equal(checkpointer.last, shardEnd);
  });

  it('counts its outcomes', async () => {
    const { wire, metrics, checkpointer } = setUp(['ThrottlingException', null]);
    checkpointer.initialize(trimHorizon);
    checkpointer.open(wire, { delivered: position('1') });
    await checkpointer.all();
    const counted = metrics.drain().counters.map(({ name, labels, value }) => [name, labels['outcome'], value]);
    assert.deepEqual(counted, [
      ['checkpoints', 'retried', 1],
      ['checkpoints', 'ok', 1],
    ]);
  });
});
