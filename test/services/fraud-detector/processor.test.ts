import assert from 'node:assert/strict';
import fc from 'fast-check';
import { naiveAlerts, type OracleShard } from '../../../scripts/judge/naive-alerts.ts';
import { isAfter, position, shardEnd } from '../../../services/lib/kcl/position.ts';
import type { RulesFile } from '../../../services/lib/rules/rules-file.ts';
import { bookingEvent, rule, scenarios, start, wholeRange } from '../../oracle/scenario.ts';
import { FakeCheckpointer, Surroundings } from './fixture.ts';

const rules: RulesFile = {
  time: { disorder: 'PT30S', lateness: 'PT15M', maxAhead: 'PT5M' },
  rules: [rule({ id: 'churn', count: { atLeast: 2, within: 'PT10M' }, action: 'lock' })],
};

let bookings = 0;
const cancelled = (ms: number, userId = 'user-1') => ({
  event: bookingEvent({ bookingId: `p-${bookings++}`, occurredAt: start + ms, userId }),
  arrival: start + ms + 40,
});

const shardOf = (records: OracleShard['records'], of: Partial<OracleShard> = {}): OracleShard => ({
  shardId: 'shardId-000000000000',
  parents: [],
  range: wholeRange,
  records,
  ...of,
});

async function started(surroundings: Surroundings, file: RulesFile = rules, shardId = 'shardId-000000000000') {
  const processor = surroundings.processor(file);
  const checkpointer = new FakeCheckpointer();
  await processor.initialize(surroundings.context(shardId), checkpointer.last);
  const deliver = async (from: number, to?: number): Promise<void> => {
    const records = (surroundings.stream.get(shardId) ?? []).slice(from, to);
    checkpointer.delivered = records.at(-1)?.position ?? checkpointer.delivered;
    await processor.processRecords({ records }, checkpointer);
  };
  return { processor, checkpointer, deliver };
}

describe('the fraud processor', () => {
  it('stores exactly the alerts of the oracle, wherever it is killed and started again, across splits and merges', async () => {
    const lives = fc.array(fc.record({ batch: fc.integer({ min: 1, max: 9 }), dies: fc.boolean() }), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(scenarios, lives, async ({ shards, rules: file }, plan) => {
        const surroundings = new Surroundings(shards);
        for (const { shardId } of shards) {
          const checkpointer = new FakeCheckpointer();
          const all = surroundings.stream.get(shardId) ?? [];
          const begin = async () => {
            const processor = surroundings.processor(file);
            await processor.initialize(surroundings.context(shardId), checkpointer.last);
            return processor;
          };
          let processor = await begin();
          let step = 0;
          for (let next = 0; next < all.length; step++) {
            const { batch, dies } = plan[step % plan.length] ?? { batch: 1, dies: false };
            if (dies && step < 30) {
              processor = await begin();
              next = all.findIndex((record) => isAfter(record.position, checkpointer.last));
            }
            const records = all.slice(next, next + batch);
            checkpointer.delivered = records.at(-1)?.position ?? checkpointer.delivered;
            surroundings.now += 3_000;
            await processor.processRecords({ records }, checkpointer);
            next += batch;
          }
          checkpointer.ending = true;
          await processor.shardEnded(checkpointer);
          assert.equal(checkpointer.last, shardEnd);
        }
        const expected = naiveAlerts({ shards, rules: file }).alerts;
        const raised = [...surroundings.stored.values()].map(({ alert }) => alert);
        const byId = (a: { alertId: string }, b: { alertId: string }) => a.alertId.localeCompare(b.alertId);
        assert.deepEqual(raised.sort(byId), expected.sort(byId));
      }),
      { numRuns: 120 },
    );
  });

  it('checkpoints only in the action after the one that made the records durable, and only beyond the last', async () => {
    const surroundings = new Surroundings([shardOf([1, 2, 3, 4].map((ms) => cancelled(ms)))]);
    const { processor, checkpointer, deliver } = await started(surroundings);
    surroundings.now += 60_000;
    await deliver(0, 2);
    assert.deepEqual(checkpointer.made, [], 'nothing was durable before the first batch');
    surroundings.now += 60_000;
    await deliver(4);
    assert.deepEqual(checkpointer.made, [position('1000')], 'a tick is an action too');
    surroundings.now += 60_000;
    await deliver(4);
    assert.equal(checkpointer.made.length, 1, 'not beyond the last');
    await deliver(2);
    await processor.shutdownRequested(checkpointer);
    assert.equal(checkpointer.last, position('1001'), 'all that was delivered');
  });

  it('stores and publishes every alert of a batch, however many', async () => {
    const one: RulesFile = { ...rules, rules: [rule({ id: 'one', count: { atLeast: 1, within: 'PT0S' } })] };
    const users = Array.from({ length: 50 }, (_, i) => cancelled(i, `user-${i}`));
    const surroundings = new Surroundings([shardOf(users)]);
    const { deliver } = await started(surroundings, one);
    await deliver(0);
    assert.deepEqual([surroundings.stored.size, new Set(surroundings.published).size], [50, 50]);
  });

  it('does not answer a batch whose alerts could not be stored', async () => {
    const surroundings = new Surroundings([shardOf([cancelled(0), cancelled(1)])]);
    const { checkpointer, deliver } = await started(surroundings);
    surroundings.put = async () => {
      throw new Error('table away');
    };
    await assert.rejects(deliver(0), /table away/);
    assert.deepEqual(checkpointer.made, []);
  });

  it('publishes live alerts, and stores shadow ones too', async () => {
    const shadow = rule({ id: 'quiet', mode: 'shadow', count: { atLeast: 1, within: 'PT0S' } });
    const surroundings = new Surroundings([shardOf([cancelled(0), cancelled(1_000)])]);
    const { deliver } = await started(surroundings, { ...rules, rules: [...rules.rules, shadow] });
    surroundings.now = start + 1_540;
    await deliver(0);
    const [live] = [...surroundings.stored.values()].filter(({ alert }) => alert.mode === 'live');
    assert.deepEqual(surroundings.published, [live?.alert.alertId]);
    assert.deepEqual([live?.action, live?.raisedAt, live?.arrivedAt], ['lock', surroundings.now, start + 1_040]);
    assert.equal(surroundings.stored.size, 3);
    const { counters } = surroundings.metrics.drain();
    const raised = counters
      .filter(({ name }) => name === 'alerts_raised')
      .map(({ labels, value }) => [labels['rule'], labels['mode'], value]);
    assert.deepEqual(
      raised.toSorted((a, b) => String(a[0]).localeCompare(String(b[0]))),
      [
        ['churn', 'live', 1],
        ['quiet', 'shadow', 2],
      ],
    );
  });

  it('counts what it does not use by reason, bad records included, and goes on', async () => {
    const first = cancelled(0);
    const surroundings = new Surroundings([shardOf([first, first, cancelled(3_600_000), first, cancelled(0), cancelled(1)])]);
    const records = surroundings.stream.get('shardId-000000000000') ?? [];
    const spoil = (i: number, of: object): void => {
      Object.assign(records[i] ?? {}, of);
    };
    spoil(2, { approximateArrivalTimestamp: start });
    spoil(4, { data: Buffer.from('{"schemaVersion":1}') });
    spoil(5, { partitionKey: 'somebody-else' });
    const { deliver } = await started(surroundings);
    await deliver(0);
    for (const [reason, count] of Object.entries({ duplicate: 2, future: 1, invalid: 2 })) {
      assert.equal(surroundings.counter('events_skipped', { reason }), count, reason);
    }
    assert.equal(surroundings.counter('events_applied'), 1);
    assert.equal(surroundings.sweeps, 1);
  });

  describe('at the start', () => {
    const cut = 2n ** 127n;
    const records = [cancelled(0), cancelled(1)];
    const family = (): OracleShard[] => [
      shardOf(records, { shardId: 'root' }),
      shardOf([], { shardId: 'left', parents: ['root'], range: { start: 0n, end: cut - 1n } }),
      shardOf([], { shardId: 'right', parents: ['root'], range: { start: cut, end: wholeRange.end } }),
      shardOf([], { shardId: 'merged', parents: ['left', 'right'] }),
    ];

    it('reads each ancestor once, however many paths lead to it', async () => {
      const surroundings = new Surroundings(family());
      await started(surroundings, rules, 'merged');
      assert.deepEqual(surroundings.reads.toSorted(), ['left', 'merged', 'right', 'root']);
      assert.equal(surroundings.reads[0], 'root');
    });

    it('raises again what it finds, so that a lost alert comes back', async () => {
      const surroundings = new Surroundings(family());
      await started(surroundings, rules, 'merged');
      assert.equal(surroundings.stored.size, 1);
    });

    it('says loudly that an ancestor is gone, and raises nothing from a history that lacks its beginning', async () => {
      const surroundings = new Surroundings(family());
      surroundings.shards = surroundings.shards.map((shard) => (shard.shardId === 'root' ? { ...shard, parents: ['forgotten'] } : shard));
      const { deliver } = await started(surroundings, rules, 'merged');
      assert.deepEqual(surroundings.puts, []);
      assert.ok(surroundings.logged.some((line) => line.includes('"level":"error"') && line.includes('rebuild.incomplete')));
      surroundings.stream.set('merged', surroundings.stream.get('root') ?? []);
      await deliver(0);
      assert.equal(surroundings.counter('events_skipped', { reason: 'duplicate' }), 2, 'the state is there all the same');
    });

    it('goes on without an ancestor that is trimmed while it is read, as loudly', async () => {
      const surroundings = new Surroundings(family());
      surroundings.trimmed = 'left';
      await started(surroundings, rules, 'merged');
      assert.ok(surroundings.logged.some((line) => line.includes('rebuild.incomplete') && line.includes('left is gone')));
      assert.ok(surroundings.logged.some((line) => line.includes('state.rebuilt') && line.includes('"complete":false')));
    });

    it('raises nothing again from a stream older than its retention, whose first records may be gone', async () => {
      const surroundings = new Surroundings(family());
      surroundings.streamAgeMs = 25 * 3_600_000;
      await started(surroundings, rules, 'merged');
      assert.deepEqual(surroundings.puts, []);
    });

    it('rejects when the stream does not list its shard', async () => {
      const surroundings = new Surroundings(family());
      await assert.rejects(started(surroundings, rules, 'unknown'), { code: 'STREAM_UNAVAILABLE', retriable: true });
    });
  });
});
