import assert from 'node:assert/strict';
import { setImmediate as otherWork } from 'node:timers/promises';
import fc from 'fast-check';
import type { BookingEvent } from '../../../../services/lib/events/booking-event.ts';
import { compileRules } from '../../../../services/lib/rules/compile.ts';
import { ShardState } from '../../../../services/lib/rules/shard-state.ts';
import { SnapshotError } from '../../../../services/lib/windows/snapshot/snapshot-error.ts';
import { bookingEvent, rule, scenarios, start, wholeRange } from '../../../oracle/scenario.ts';

const rules = compileRules({
  time: { disorder: 'PT30S', lateness: 'PT15S', maxAhead: 'PT5M' },
  rules: [rule({ id: 'churn', count: { atLeast: 2, within: 'PT10M' } })],
});
const half = 2n ** 127n;
const [low, high] = [
  { start: 0n, end: half - 1n },
  { start: half, end: wholeRange.end },
];

/** Cut anywhere, as bytes come from a store. */
async function* chunksOf(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}
const bytesOf = (state: ShardState): Buffer => Buffer.concat([...state.snapshot()]);

describe('a child that inherits from streams', () => {
  it('goes on as one that inherits from its restored parents, whatever they have seen', async () => {
    await fc.assert(
      fc.asyncProperty(scenarios, fc.integer({ min: 1, max: 4_000 }), async ({ shards, rules: file }, chunk) => {
        const eager = { partitionBits: 0 };
        const compiled = compileRules(file);
        const bytes = new Map<string, Buffer>();
        for (const shard of shards) {
          const parents = shard.parents.map((id) => bytes.get(id)).filter((each) => each !== undefined);
          const restored = parents.map((each) => ShardState.restore(compiled, [each], eager));
          const expected = ShardState.fromParents(compiled, restored, shard.range, eager);
          const streams = parents.map((each) => chunksOf(each, chunk));
          const child = await ShardState.inherit(compiled, shard.range, streams, eager);
          assert.deepEqual(child.size, expected.size);
          for (const { event, arrival } of shard.records) {
            assert.deepEqual(child.apply(event, arrival), expected.apply(event, arrival));
            assert.equal(child.watermarkOf(event.userId), expected.watermarkOf(event.userId));
          }
          bytes.set(shard.shardId, bytesOf(child));
        }
      }),
      { numRuns: 60 },
    );
  });

  const filled = (range: typeof low, of: Partial<BookingEvent> = {}): ShardState => {
    const state = ShardState.empty(rules, range);
    for (let i = 0; i < 6_000; i++)
      state.apply(bookingEvent({ bookingId: `b-${i}`, userId: `user-${i}`, occurredAt: start, ...of }), undefined);
    return state;
  };

  it('lets other work run between two frames, also when a chunk holds them all', async () => {
    const bytes = bytesOf(filled(wholeRange));
    const frames = [...filled(wholeRange).snapshot()].length;
    let turns = 0;
    let done = false;
    const child = ShardState.inherit(rules, low, [chunksOf(bytes, bytes.length)]).finally(() => (done = true));
    while (!done) {
      await otherWork();
      turns++;
    }
    assert.ok(frames > 5 && turns >= frames - 2, `${turns} turns, ${frames} frames`);
    const { keys, ids } = (await child).size;
    assert.ok(keys > 2_500 && keys < 3_500, `${keys} keys of its half`);
    assert.equal(ids, 6_000);
  });

  it('begins without what the bounds have cost its parent', async () => {
    const limits = { maxEventsPerRule: 10 };
    const parent = ShardState.empty(rules, wholeRange, limits);
    for (let i = 0; i < 40; i++) {
      parent.apply(bookingEvent({ bookingId: `b-${i}`, userId: `user-${i}`, occurredAt: start + i * 20_000 }), undefined);
    }
    assert.ok(parent.size.evicted > 10, `${parent.size.evicted}`);
    const child = await ShardState.inherit(rules, wholeRange, [chunksOf(bytesOf(parent), 1_000)], limits);
    assert.equal(child.size.evicted, 0);
  });

  it('refuses a parent whose snapshot is cut off', async () => {
    const bytes = bytesOf(filled(low));
    const cut = chunksOf(bytes.subarray(0, bytes.length - 1), 1_000);
    await assert.rejects(ShardState.inherit(rules, wholeRange, [cut]), SnapshotError);
  });

  it('takes an id once that two parents know, and of parents under other rules what it knows itself', async () => {
    const other = compileRules({
      time: { disorder: 'PT30S', lateness: 'PT1M', maxAhead: 'PT5M' },
      rules: [rule({ id: 'other' }), rule({ id: 'churn', count: { atLeast: 2, within: 'PT10M' } })],
    });
    const parents = [low, high].map((range) => bytesOf(filled(range)));
    const child = await ShardState.inherit(
      other,
      wholeRange,
      parents.map((each) => chunksOf(each, 1_000)),
    );
    const { ids, keys, events } = child.size;
    assert.deepEqual({ ids, keys, events }, { ids: 6_000, keys: 6_000, events: 6_000 });
    const late = bookingEvent({ bookingId: 'late', occurredAt: start - 45_001 });
    assert.deepEqual(child.apply(late, undefined), { kind: 'skipped', reason: 'late' }, 'as for the parents');
    const second = child.apply(bookingEvent({ bookingId: 'second', occurredAt: start - 45_000 }), undefined);
    assert.equal(second.kind === 'used' && second.alerts.length, 1);
  });
});
