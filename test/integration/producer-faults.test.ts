import assert from 'node:assert/strict';
import { CreateStreamCommand, GetRecordsCommand, GetShardIteratorCommand, type KinesisClient } from '@aws-sdk/client-kinesis';
import pino from 'pino';
import { type KinesisServer, startKinesis } from '../../scripts/local/kinesis/server.ts';
import { listShards } from '../../services/lib/kcl/shards.ts';
import { kinesisClient } from '../../services/lib/process/aws.ts';
import { Metrics } from '../../services/lib/process/metrics.ts';
import { deaggregate } from '../../services/lib/producer/aggregation.ts';
import { Producer } from '../../services/lib/producer/producer.ts';
import { SideClient } from '../scripts/local/kinesis/side/client.ts';

const streamName = 'events';
const keys = 25;
const records = 2_000;

/** What lies in the stream by partition key, in the order of the shards, with repetitions. */
async function readBack(kinesis: KinesisClient): Promise<Map<string, number[]>> {
  const found = new Map<string, number[]>();
  for (const { shardId, range } of await listShards(kinesis, streamName)) {
    const start = await kinesis.send(
      new GetShardIteratorCommand({ StreamName: streamName, ShardId: shardId, ShardIteratorType: 'TRIM_HORIZON' }),
    );
    for (let iterator = start.ShardIterator; iterator !== undefined; ) {
      const page = await kinesis.send(new GetRecordsCommand({ ShardIterator: iterator }));
      for (const { Data, PartitionKey } of page.Records ?? []) {
        const parts = deaggregate(Buffer.from(Data ?? []), PartitionKey ?? '', range);
        assert.ok(parts.kind !== 'stray');
        for (const { partitionKey, data } of parts.records) {
          found.set(partitionKey, [...(found.get(partitionKey) ?? []), Number(data)]);
        }
      }
      iterator = page.MillisBehindLatest === 0 ? undefined : page.NextShardIterator;
    }
  }
  return found;
}

describe('producer on a stream where everything fails now and then', function () {
  this.timeout(30_000);

  let server: KinesisServer;
  let kinesis: KinesisClient;
  beforeEach(async () => {
    server = await startKinesis({ limits: false, seed: 20 });
    const endpoints = { KINESIS_ENDPOINT: server.endpoint, DYNAMODB_ENDPOINT: server.endpoint, SNS_ENDPOINT: server.endpoint };
    kinesis = kinesisClient({ AWS_REGION: 'us-east-1', LOCAL_MODE: true, ...endpoints });
  });
  afterEach(async () => {
    kinesis.destroy();
    await server.close();
  });

  it('loses no record and keeps the order per key, whatever is put twice', async () => {
    const side = new SideClient(server.endpoint);
    await kinesis.send(new CreateStreamCommand({ StreamName: streamName, ShardCount: 3 }));
    await side.set(
      // Each for sure, whatever the timing makes of the requests; lost ones while entries fail too.
      { kind: 'error', after: 2, times: 3, operations: ['PutRecords'] },
      { kind: 'error', code: 'ServiceUnavailable', after: 4, times: 2, operations: ['PutRecords'] },
      { kind: 'throttle', after: 6, times: 2, operations: ['PutRecords'] },
      { kind: 'reset', after: 8, times: 2, operations: ['PutRecords'] },
      { kind: 'lost', after: 1, times: 5, operations: ['PutRecords'] },
      { kind: 'lost', answer: 'error', after: 6, times: 5, operations: ['PutRecords'] },
      { kind: 'partial', probability: 0.5, share: 0.5 },
      { kind: 'partial', code: 'InternalFailure', probability: 0.5, share: 0.5 },
    );
    const log = pino({ level: 'silent' });
    const backoff = { baseMs: 1, capMs: 10 };
    const producer = new Producer({ kinesis, streamName, log, metrics: new Metrics(), lingerMs: 1, backoff });
    for (let i = 0; i < records; i++) {
      await producer.put({ partitionKey: `user-${i % keys}`, data: Buffer.from(String(i)) });
      if (i % 50 === 49) await new Promise((resolve) => setImmediate(resolve)); // so that many requests are made, not one
      if (i % 500 === 499) await producer.flush();
    }
    await producer.close();
    const counts = await side.faults();
    await side.clear();

    for (const { id, kind, applied } of counts) assert.ok(applied > 0, `${id} (${kind}) never struck: the run shows nothing`);
    const found = await readBack(kinesis);
    let repeated = 0;
    for (let user = 0; user < keys; user++) {
      const seen = found.get(`user-${user}`) ?? [];
      const first = [...new Set(seen)];
      repeated += seen.length - first.length;
      assert.deepEqual(
        first,
        Array.from({ length: records / keys }, (_, i) => user + i * keys),
        `user-${user}`,
      );
    }
    assert.ok(repeated > 0, 'nothing was put twice: no lost answer was retried');
  });
});
