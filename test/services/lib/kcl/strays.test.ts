import assert from 'node:assert/strict';
import fc from 'fast-check';
import { position } from '../../../../services/lib/kcl/position.ts';
import type { StreamRecord } from '../../../../services/lib/kcl/processor.ts';
import { hashKeyOf } from '../../../../services/lib/kcl/shards.ts';
import { withoutStrays } from '../../../../services/lib/kcl/strays.ts';
import { aggregate, deaggregate } from '../../../../services/lib/producer/aggregation.ts';

const keys = ['a', 'b', 'c', 'd'].toSorted((x, y) => (hashKeyOf(x) < hashKeyOf(y) ? -1 : 1));
/** Holds the lower two of the keys. */
const range = { start: 0n, end: hashKeyOf(keys[1] ?? '') };

/** What KCL delivers when it does not know the shard: every record of every aggregate. */
function delivered(aggregates: readonly (readonly string[])[]): StreamRecord[] {
  return aggregates.flatMap((members, i) =>
    members.map((partitionKey, subSequenceNumber) => ({
      data: Buffer.from(partitionKey),
      partitionKey,
      sequenceNumber: String(100 + i),
      subSequenceNumber,
      position: position(String(100 + i), subSequenceNumber),
      approximateArrivalTimestamp: 0,
    })),
  );
}

describe('strays', () => {
  it('leave exactly what our own readers make of the same records', () => {
    const members = fc.array(fc.constantFrom(...keys), { minLength: 2, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(members, { maxLength: 5 }), (aggregates) => {
        const expected = aggregates.flatMap((group) => {
          const users = group.map((partitionKey) => ({ partitionKey, data: Buffer.from(partitionKey) }));
          const read = deaggregate(aggregate(users), group[0] ?? '', range);
          return read.kind === 'stray' ? [] : read.records.map((record) => record.partitionKey);
        });
        assert.deepEqual(
          withoutStrays(delivered(aggregates), range).map((record) => record.partitionKey),
          expected,
        );
      }),
    );
  });

  it('are found by the first record alone, and by a rest whose beginning was checkpointed', () => {
    const [inside = '', , , outside = ''] = keys;
    assert.deepEqual(withoutStrays(delivered([[outside, inside]]), range), []);
    assert.deepEqual(withoutStrays(delivered([[inside, outside]]).slice(1), range), []);
  });

  it('are never plain records: Kinesis put them where they are', () => {
    const plain = delivered([[keys[3] ?? ''], [keys[0] ?? '']]);
    assert.deepEqual(withoutStrays(plain, range), plain);
  });
});
