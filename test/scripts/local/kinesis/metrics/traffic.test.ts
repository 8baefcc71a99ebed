import assert from 'node:assert/strict';
import fc from 'fast-check';
import { awsError, Rig } from '../rig.ts';
import { SideClient } from '../side/client.ts';

type Step =
  | { readonly kind: 'put'; readonly shard: number; readonly records: number; readonly bytes: number }
  | { readonly kind: 'get'; readonly shard: number; readonly limit: number }
  | { readonly kind: 'pass'; readonly ms: number };

const shards = 2;
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('put' as const),
      shard: fc.integer({ min: 0, max: shards }), // `shards`: to all of them
      records: fc.integer({ min: 1, max: 500 }),
      bytes: fc.constantFrom(1, 10, 2_000),
    }),
    fc.record({ kind: fc.constant('get' as const), shard: fc.nat(shards - 1), limit: fc.integer({ min: 1, max: 1_000 }) }),
    fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(1_500) }),
  ),
  { minLength: 5, maxLength: 25 },
);

const hashKeyOf = (shard: number): string => ((1n << 127n) * BigInt(shard)).toString();

describe('local Kinesis: metrics of any traffic, with limits and faults', function () {
  this.timeout(20_000);

  it('add up to what the callers put, were refused and read', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(), async (given, seed) => {
        const faults = [
          { kind: 'partial', probability: 0.3, share: 0.3 },
          { kind: 'partial', probability: 0.3, share: 0.3, code: 'InternalFailure' },
        ];
        const rig = await Rig.start({ metricsPeriodMs: 1_000, seed, faults });
        try {
          await rig.create('s', shards);
          const ids = (await rig.shards('s')).map(({ ShardId }) => ShardId ?? '');
          const iterators = await Promise.all(ids.map((id) => rig.iterator('s', id)));
          const expected = new Map<string, number>();
          const count = (name: string, shard: string | undefined, value: number) => {
            for (const key of shard === undefined ? [name] : [name, `${name} ${shard}`])
              expected.set(key, (expected.get(key) ?? 0) + value);
          };
          for (const step of given) {
            if (step.kind === 'pass') rig.pass(step.ms);
            else if (step.kind === 'put') {
              const targets = Array.from({ length: step.records }, (_, i) => (step.shard < shards ? step.shard : i % shards));
              const data = Buffer.alloc(step.bytes);
              const { Records = [] } = await rig.put(
                's',
                targets.map((shard) => ({ key: 'key', data, hashKey: hashKeyOf(shard) })),
              );
              for (const [i, { ErrorCode, ShardId }] of Records.entries()) {
                count('PutRecords.TotalRecords', undefined, 1);
                if (ErrorCode === 'InternalFailure') count('PutRecords.FailedRecords', undefined, 1);
                else if (ErrorCode !== undefined) {
                  count('PutRecords.ThrottledRecords', undefined, 1);
                  count('WriteProvisionedThroughputExceeded', ids[targets[i] ?? 0], 1);
                } else {
                  count('PutRecords.SuccessfulRecords', undefined, 1);
                  count('IncomingRecords', ShardId, 1);
                  count('IncomingBytes', ShardId, step.bytes + 3);
                }
              }
            } else {
              const id = ids[step.shard] ?? '';
              try {
                const { Records = [], NextShardIterator = '' } = await rig.get(iterators[step.shard], step.limit);
                iterators[step.shard] = NextShardIterator;
                const bytes = Records.reduce((sum, { Data }) => sum + (Data?.length ?? 0) + 3, 0);
                for (const [name, value] of [
                  ['Records', Records.length],
                  ['Bytes', bytes],
                ] as const) {
                  count(`GetRecords.${name}`, undefined, value);
                  count(`Outgoing${name} ${id}`, undefined, value);
                }
              } catch (error) {
                assert.ok(awsError('ProvisionedThroughputExceededException')(error));
                count('ReadProvisionedThroughputExceeded', id, 1);
              }
            }
          }
          const found = await new SideClient(rig.server.endpoint).metrics('stream=s');
          const sums = new Map(
            found.map(({ name, shard, datapoints }) => [
              shard === undefined ? name : `${name} ${shard}`,
              datapoints.reduce((total, { sum }) => total + sum, 0),
            ]),
          );
          const counted = /^(Incoming|Outgoing|GetRecords\.(Bytes|Records)|PutRecords\..*Records|\w+Exceeded)/;
          for (const key of new Set([...expected.keys(), ...sums.keys()])) {
            if (counted.test(key)) assert.equal(sums.get(key) ?? 0, expected.get(key) ?? 0, key);
          }
        } finally {
          await rig.stop();
        }
      }),
      { numRuns: 6 },
    );
  });
});
