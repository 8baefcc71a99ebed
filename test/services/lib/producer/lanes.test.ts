import assert from 'node:assert/strict';
import type { Shard } from '../../../../services/lib/kcl/shards.ts';
import { type Batch, buffered, Lanes } from '../../../../services/lib/producer/lanes.ts';
import { ShardMap } from '../../../../services/lib/producer/shard-map.ts';

const middle = 2n ** 127n;
const top = 2n ** 128n - 1n;
const shard = (shardId: string, start: bigint, end: bigint, closed = false): Shard => ({
  shardId,
  parents: [],
  range: { start, end },
  startingSequenceNumber: '1',
  closed,
});
const record = (sequence: number, hash: bigint) =>
  buffered({ partitionKey: 'k', explicitHashKey: String(hash), data: Buffer.from(String(sequence)) }, sequence, 0);
const sequences = (batches: readonly Batch[]): number[][] => batches.map(({ records }) => records.map(({ sequence }) => sequence));
const allDue = (): boolean => true;
const noneBlocked = (): boolean => false;

describe('records that wait to be sent', () => {
  let listing: Shard[];
  let map: ShardMap;
  let lanes: Lanes;
  beforeEach(async () => {
    listing = [shard('a', 0n, middle - 1n), shard('b', middle, top)];
    map = new ShardMap(async () => listing);
    await map.refresh();
    lanes = new Lanes(map);
  });

  it('leave by planned shard, in the order of put, unless their range is blocked', () => {
    for (const [sequence, hash] of [1n, middle, 2n, top, 1n].entries()) lanes.add(record(sequence, hash));
    assert.deepEqual(sequences(lanes.take(allDue, (range) => range.start === 0n)), [[1, 3]]);
    assert.deepEqual(sequences(lanes.take(allDue, noneBlocked)), [[0, 2, 4]]);
    assert.deepEqual(lanes.take(allDue, noneBlocked), []);
  });

  it('are planned by one map alone: what was put before a new map stays before what is put after it', async () => {
    lanes.add(record(0, 1n));
    listing = [shard('a', 0n, middle - 1n, true), shard('b', middle, top, true), shard('c', 0n, top)];
    await map.refresh();
    lanes.add(record(1, 1n));
    assert.deepEqual(sequences(lanes.take(allDue, noneBlocked)), [[0, 1]]);
  });
});
