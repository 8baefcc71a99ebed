import assert from 'node:assert/strict';
import { DescribeStreamSummaryCommand, ListShardsCommand, PutRecordCommand } from '@aws-sdk/client-kinesis';
import { awsError, Rig, textOf, transports } from '../rig.ts';
import { SideClient, until } from '../side/client.ts';

const shard0 = 'shardId-000000000000';
const shard1 = 'shardId-000000000001';
/** Explicit hash keys in the lower and the upper half of the key space. */
const [lower, upper] = ['0', (1n << 127n).toString()];

/** What the SDK says when no answer came: in HTTP/1.1 of the connection, in HTTP/2 of the session or of the stream. */
const brokenConnection = ({ code, message }: Error & { code?: string }): boolean =>
  /^ECONNRESET$|^ERR_HTTP2_STREAM_ERROR$/.test(code ?? '') || /did not get a response/.test(message);

for (const transport of transports) {
  describe(`local Kinesis: faults that strike requests, over ${transport}`, () => {
    let rig: Rig;
    let side: SideClient;
    beforeEach(async () => {
      rig = await Rig.start({ limits: false, transport });
      side = new SideClient(rig.server.endpoint);
      await rig.create('orders', 2);
    });
    afterEach(() => rig.stop());

    const putOne = (data: string, hashKey = lower) =>
      rig.client.send(new PutRecordCommand({ StreamName: 'orders', PartitionKey: 'k', ExplicitHashKey: hashKey, Data: Buffer.from(data) }));
    const held = async (shardId = shard0) => (await rig.read('orders', shardId)).map(textOf);

    it('throttles puts and reads by shard, other operations by the account, and stores nothing', async () => {
      await putOne('before');
      const iterator = await rig.iterator('orders', shard0);
      await side.set({ kind: 'throttle' });
      const byShard = awsError(
        'ProvisionedThroughputExceededException',
        /^Rate exceeded for shard shardId-000000000000 in stream orders under account 0{12}\.$/,
      );
      await assert.rejects(putOne('a'), byShard);
      await assert.rejects(rig.put('orders', [{ key: 'k', data: 'b', hashKey: lower }]), byShard);
      await assert.rejects(rig.get(iterator), byShard);
      await assert.rejects(rig.shards('orders'), awsError('LimitExceededException', /^Rate exceeded for stream orders under account/));
      assert.deepEqual(await side.counts(), [[4, 4]]);
      await side.clear();
      assert.deepEqual(await held(), ['before']);
    });

    it('fails with 500 and with 503, and does nothing', async () => {
      await side.set({ kind: 'error', times: 1 }, { kind: 'error', code: 'ServiceUnavailable', times: 1 });
      for (const [name, status] of [
        ['InternalFailure', 500],
        ['ServiceUnavailable', 503],
      ] as const) {
        await assert.rejects(putOne('a'), (error: Error & { $metadata?: { httpStatusCode?: number } }) => {
          assert.deepEqual([error.name, error.$metadata?.httpStatusCode], [name, status]);
          return true;
        });
      }
      await putOne('b');
      assert.deepEqual(await held(), ['b']);
    });

    it('carries a slow request out at once and answers once the delay has passed on the clock', async () => {
      const [id] = await side.set({ kind: 'slow', delayMs: 500, operations: ['PutRecord'] });
      let answered = false;
      const put = putOne('a').then(() => (answered = true));
      await until(async () => (await side.counts())[0]?.[1] === 1);
      assert.deepEqual(await held(), ['a']);
      rig.pass(499);
      await rig.shards('orders'); // an answer that was due would have been sent before this one
      assert.equal(answered, false);
      rig.pass(1);
      await put;
      assert.equal((await side.faults())[0]?.id, id);
    });

    it('draws each delay from its jitter', async () => {
      await side.set({ kind: 'slow', delayMs: 1_000, jitterMs: 1_000, operations: ['PutRecord'] });
      const puts = Array.from({ length: 20 }, () => putOne('a').then(() => rig.nowMs));
      await until(async () => (await side.counts())[0]?.[1] === 20);
      const startMs = rig.nowMs;
      for (let i = 0; i < 20; i++) {
        rig.pass(100);
        await rig.shards('orders');
      }
      const delays = (await Promise.all(puts)).map((atMs) => atMs - startMs);
      assert.ok(Math.min(...delays) < 800 && Math.max(...delays) > 1_200 && new Set(delays).size > 3, delays.join());
    });

    it('loses an answer after the write: the connection breaks, yet the record is there', async () => {
      await side.set({ kind: 'lost', operations: ['PutRecord'], times: 1 });
      await assert.rejects(putOne('a'), brokenConnection);
      assert.deepEqual(await held(), ['a']);
      await putOne('b');
      assert.deepEqual(await held(), ['a', 'b']);
    });

    for (const fault of [{ kind: 'lost' }, { kind: 'reset' }] as const) {
      it(`is slow to break the connection when ${fault.kind} meets slow`, async () => {
        await side.set({ kind: 'slow', delayMs: 500, operations: ['PutRecord'] }, { ...fault, operations: ['PutRecord'] });
        let broken = false;
        const put = assert.rejects(putOne('a'), brokenConnection).then(() => (broken = true));
        await until(async () => (await side.counts())[1]?.[1] === 1);
        rig.pass(499);
        await rig.shards('orders'); // a connection that was cut would have been seen before this answer
        assert.equal(broken, false);
        rig.pass(1);
        await put;
      });
    }

    it('loses an answer to a 500 instead, yet the record is there', async () => {
      await side.set({ kind: 'lost', answer: 'error', operations: ['PutRecord'], times: 1 });
      await assert.rejects(putOne('a'), awsError('InternalFailure', /^Internal service failure\.$/));
      assert.deepEqual(await held(), ['a']);
    });

    it('resets the connection before anything is done, and serves the next one', async () => {
      await side.set({ kind: 'reset', operations: ['PutRecord'], times: 1 });
      await assert.rejects(putOne('a'), brokenConnection);
      assert.deepEqual(await held(), []);
      await putOne('b');
      assert.deepEqual(await held(), ['b']);
    });

    it('expires iterators of GetRecords alone', async () => {
      const iterator = await rig.iterator('orders', shard0);
      await side.set({ kind: 'expired-iterator', times: 1 });
      await putOne('a');
      await assert.rejects(rig.get(iterator), awsError('ExpiredIteratorException'));
      assert.equal((await rig.get(iterator)).Records?.length, 1);
      assert.deepEqual(await side.counts(), [[1, 1]]);
    });

    it('strikes only what it is for: operations, stream, shard', async () => {
      await rig.create('other', 1);
      const iterators = [await rig.iterator('orders', shard0), await rig.iterator('orders', shard1)] as const;
      await side.set({ kind: 'error', operations: ['GetRecords', 'PutRecord', 'PutRecords'], stream: 'orders', shard: shard1 });
      await putOne('a', lower);
      await rig.put('other', [{ key: 'k', data: 'a' }]);
      await rig.put('orders', [{ key: 'k', data: 'b', hashKey: lower }]);
      await rig.get(iterators[0]);
      await rig.client.send(new ListShardsCommand({ StreamName: 'orders' }));
      assert.deepEqual(await side.counts(), [[0, 0]]);
      await assert.rejects(putOne('a', upper), awsError('InternalFailure'));
      await assert.rejects(rig.get(iterators[1]), awsError('InternalFailure'));
      const mixed = [lower, upper].map((hashKey) => ({ key: 'k', data: 'c', hashKey }));
      await assert.rejects(rig.put('orders', mixed), awsError('InternalFailure'));
      assert.deepEqual(await side.counts(), [[3, 3]]);
    });

    it('knows a stream by its ARN too', async () => {
      const { StreamDescriptionSummary } = await rig.client.send(new DescribeStreamSummaryCommand({ StreamName: 'orders' }));
      await side.set({ kind: 'error', stream: 'orders', operations: ['ListShards'] });
      await assert.rejects(
        rig.client.send(new ListShardsCommand({ StreamARN: StreamDescriptionSummary?.StreamARN })),
        awsError('InternalFailure'),
      );
    });
  });
}
