import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { PutRecordCommand } from '@aws-sdk/client-kinesis';
import { Rig, startMs, textOf, transports } from '../rig.ts';
import { SideClient } from '../side/client.ts';

const [shard0, shard1] = ['shardId-000000000000', 'shardId-000000000001'];
const [lower, upper] = ['0', (1n << 127n).toString()];

for (const transport of transports) {
  describe(`local Kinesis: faults that strike records that are put, over ${transport}`, () => {
    let rig: Rig;
    let side: SideClient;
    beforeEach(async () => {
      rig = await Rig.start({ limits: false, transport });
      side = new SideClient(rig.server.endpoint);
      await rig.create('orders', 2);
    });
    afterEach(() => rig.stop());

    const numbered = (count: number, hashKey = lower) => Array.from({ length: count }, (_, i) => ({ key: 'k', data: String(i), hashKey }));
    const held = async (shardId: string) => (await rig.read('orders', shardId)).map(textOf);
    const arrivals = async () => (await rig.read('orders', shard0)).map(({ ApproximateArrivalTimestamp: at }) => Number(at) - startMs);

    it('fails a share of the entries of a PutRecords; the others are stored, in order', async () => {
      await side.set({ kind: 'partial', share: 0.3 });
      const answer = await rig.put('orders', numbered(400));
      const entries = answer.Records ?? [];
      const failed = entries.filter(({ ErrorCode }) => ErrorCode !== undefined);
      assert.ok(failed.length > 80 && failed.length < 160, String(failed.length));
      assert.equal(answer.FailedRecordCount, failed.length);
      for (const { ErrorCode, ErrorMessage, SequenceNumber, ShardId } of failed) {
        assert.equal(ErrorCode, 'ProvisionedThroughputExceededException');
        assert.match(ErrorMessage ?? '', /^Rate exceeded for shard shardId-000000000000 in stream orders under account/);
        assert.deepEqual([SequenceNumber, ShardId], [undefined, undefined]);
      }
      const stored = entries.flatMap(({ ErrorCode }, i) => (ErrorCode === undefined ? [String(i)] : []));
      assert.deepEqual(await held(shard0), stored);
      assert.deepEqual(await side.counts(), [[1, 1]]);
    });

    it('fails with the default seed the entries that the README shows', async () => {
      const readme = readFileSync(new URL('../../../../../scripts/local/kinesis/README.md', import.meta.url), 'utf8');
      const shown = JSON.parse(/^\{"FailedRecordCount":.*$/m.exec(readme)?.[0] ?? '') as { Records: { ErrorCode?: string }[] };
      await side.set({ kind: 'partial', share: 0.5 });
      const { Records = [] } = await rig.put('orders', numbered(3));
      assert.deepEqual(
        Records.map(({ ErrorCode }) => ErrorCode),
        shown.Records.map(({ ErrorCode }) => ErrorCode),
      );
    });

    it('fails entries from within, those of one shard alone, in requests that hold some', async () => {
      await side.set({ kind: 'partial', code: 'InternalFailure', shard: shard1 });
      await rig.put('orders', numbered(3));
      const answer = await rig.put('orders', [...numbered(2), ...numbered(2, upper)]);
      assert.deepEqual(
        answer.Records?.map(({ ErrorCode, ErrorMessage }) => ErrorCode && `${ErrorCode}: ${ErrorMessage}`),
        [undefined, undefined, ...Array.from({ length: 2 }, () => 'InternalFailure: Internal service failure.')],
      );
      assert.equal((await held(shard0)).length, 5);
      assert.deepEqual(await held(shard1), []);
      assert.deepEqual(await side.counts(), [[1, 1]]);
    });

    it('does not take what a struck entry would weigh from the limit of its shard', async () => {
      await side.call('POST', 'limits', { limits: true });
      await side.set({ kind: 'partial', times: 2 });
      for (const failed of [500, 500, 0, 0, 500]) assert.equal((await rig.put('orders', numbered(500))).FailedRecordCount, failed);
    });

    it('skews arrival times into the future, from where they do not fall', async () => {
      await side.set({ kind: 'skew', skewMs: 5_000, times: 2 });
      await rig.put('orders', numbered(3));
      rig.pass(6_000);
      await rig.client.send(
        new PutRecordCommand({ StreamName: 'orders', PartitionKey: 'k', ExplicitHashKey: lower, Data: Buffer.from('x') }),
      );
      assert.deepEqual(await arrivals(), [5_000, 5_000, 5_000, 6_000]);
      assert.deepEqual(await side.counts(), [[2, 2]]);
    });

    it('skews arrival times into the past, yet not before those already there; AT_TIMESTAMP goes by what is stored', async () => {
      await rig.put('orders', numbered(1));
      await side.set({ kind: 'skew', skewMs: -2_000, operations: ['PutRecords'] });
      for (const ms of [1_000, 2_000, 4_000]) {
        rig.pass(ms);
        await rig.put('orders', numbered(1));
      }
      assert.deepEqual(await arrivals(), [0, 0, 1_000, 5_000]);
      const iterator = await rig.iterator('orders', shard0, { ShardIteratorType: 'AT_TIMESTAMP', Timestamp: new Date(startMs + 1_000) });
      assert.equal((await rig.get(iterator)).Records?.length, 2);
    });
  });
}
