import assert from 'node:assert/strict';
import fc from 'fast-check';
import { SlabArena } from '../../../../../scripts/local/kinesis/store/arena.ts';
import { hashKeys } from '../../../../../scripts/local/kinesis/store/hash-ranges.ts';
import type { Shard } from '../../../../../scripts/local/kinesis/store/shard.ts';
import { Stream } from '../../../../../scripts/local/kinesis/store/stream.ts';

const startMs = 1_790_000_000_000;
const spanMs = 200;
const scratch = Buffer.from('d');

const step = fc.oneof(
  fc.record({
    do: fc.constant('put' as const),
    key: fc.bigInt({ min: 0n, max: hashKeys - 1n }),
    skewMs: fc.integer({ min: -50, max: 50 }),
  }),
  fc.record({ do: fc.constant('reshard' as const), count: fc.integer({ min: 1, max: 6 }) }),
  fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: -20, max: 30 }) }),
);

function assertTile(shards: readonly Shard[], what: string): void {
  const ranges = shards.map(({ range }) => range).sort((a, b) => (a.start < b.start ? -1 : 1));
  const starts = ranges.map(({ start }) => start);
  assert.deepEqual(starts, [0n, ...ranges.slice(0, -1).map(({ end }) => end + 1n)], what);
  assert.equal(ranges.at(-1)?.end, hashKeys - 1n, what);
}

describe('the shards of a stream', () => {
  it('tile the key space at any time, though arrival times are skewed and the clock is put back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 15 }), (shardCount, steps) => {
        let nowMs = startMs;
        const birth = { name: 's', arn: 'a', incarnation: 1, mode: 'PROVISIONED' as const, shardCount, now: () => nowMs };
        const stream = new Stream(birth, new SlabArena(100_000_000, () => {}));
        for (const one of steps) {
          if (one.do === 'pass') nowMs += one.ms;
          else if (one.do === 'reshard') stream.reshard(one.count, nowMs);
          else stream.append(stream.route('', one.key), nowMs + one.skewMs, 'k', 1, scratch, 0, 1);
        }
        for (let atMs = startMs; atMs < startMs + spanMs; atMs++) {
          const open = stream.shards.filter(({ startedAtMs, end }) => startedAtMs <= atMs && (end === undefined || end.atMs > atMs));
          assertTile(open, `${atMs - startMs} ms after the start`);
        }
      }),
      { numRuns: 100 },
    );
  });
});
