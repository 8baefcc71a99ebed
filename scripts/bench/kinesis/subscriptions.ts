import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventFrames } from './event-frames.ts';
import { countOf, encode } from './gets.ts';
import type { Format, WireClient } from './wire-client.ts';

const recordBytes = 1_024;
const settleMs = 1_000;

async function firstShard(client: WireClient, streamName: string): Promise<string> {
  const { Shards } = (await client.json('ListShards', { StreamName: streamName })) as { Shards: { ShardId: string }[] };
  return Shards[0]?.ShardId ?? '';
}

/** Registers a consumer and subscribes it to the first shard; `payload` gets each event. Ended by what it answers. */
async function subscribe(
  client: WireClient,
  streamName: string,
  format: Format,
  position: 'LATEST' | 'TRIM_HORIZON',
  payload: (payload: Buffer) => void,
): Promise<{ readonly failed: Promise<never>; end(): void }> {
  const { StreamDescriptionSummary } = await client.json('DescribeStreamSummary', { StreamName: streamName });
  const { StreamARN } = StreamDescriptionSummary as { StreamARN: string };
  const ConsumerName = `bench-${randomBytes(8).toString('hex')}`;
  const { Consumer } = (await client.json('RegisterStreamConsumer', { StreamARN, ConsumerName })) as { Consumer: { ConsumerARN: string } };
  const ShardId = await firstShard(client, streamName);
  const input = { ConsumerARN: Consumer.ConsumerARN, ShardId, StartingPosition: { Type: position } };
  const stream = await client.open('SubscribeToShard', encode(format, input), format);
  const frames = new EventFrames(payload);
  let ended = false;
  stream.on('data', (chunk: Buffer) => frames.add(chunk));
  const failed = new Promise<never>((_resolve, reject) => {
    stream.on('error', reject);
    stream.on('close', () => {
      if (!ended) reject(new Error('the subscription ended early'));
    });
  });
  failed.catch(() => {}); // only of interest to who waits for events
  return {
    failed,
    end() {
      ended = true;
      stream.close();
    },
  };
}

/** Reads about `records` records of the first shard from its beginning through one subscription; records per second. */
export async function subscribeRate(client: WireClient, streamName: string, format: Format, records: number): Promise<number> {
  let read = 0;
  let done = () => {};
  const enough = new Promise<void>((resolve) => {
    done = resolve;
  });
  const started = performance.now();
  const subscription = await subscribe(client, streamName, format, 'TRIM_HORIZON', (payload) => {
    read += countOf(payload);
    if (read >= records) done();
  });
  await Promise.race([enough, subscription.failed]);
  const seconds = (performance.now() - started) / 1_000;
  subscription.end();
  return read / seconds;
}

/** From PutRecords sent to its event received, ms, sorted: `perSecond` records for `seconds`, 10 a request. */
export async function pushLatencies(client: WireClient, streamName: string, perSecond: number, seconds: number): Promise<number[]> {
  const perRequest = 10;
  const latencies: number[] = [];
  const subscription = await subscribe(client, streamName, 'json', 'LATEST', (payload) => {
    const now = performance.now();
    const { Records = [] } = JSON.parse(payload.toString('utf8')) as { Records?: { Data: string }[] };
    for (const { Data } of Records) latencies.push(now - Buffer.from(Data, 'base64').readDoubleBE(0));
  });
  const requests = (perSecond * seconds) / perRequest;
  const started = performance.now();
  const answers: Promise<unknown>[] = [];
  for (let i = 0; i < requests; i++) {
    await sleep(Math.max(0, started + (i * 1_000 * perRequest) / perSecond - performance.now()));
    const Records = Array.from({ length: perRequest }, () => {
      const data = Buffer.alloc(recordBytes);
      data.writeDoubleBE(performance.now());
      return { Data: data.toString('base64'), PartitionKey: 'k' };
    });
    answers.push(client.json('PutRecords', { StreamName: streamName, Records }));
  }
  await Promise.all(answers);
  await Promise.race([sleep(settleMs), subscription.failed]);
  subscription.end();
  if (latencies.length !== requests * perRequest) throw new Error(`${latencies.length} of ${requests * perRequest} records were pushed`);
  return latencies.sort((a, b) => a - b);
}
