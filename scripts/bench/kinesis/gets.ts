import { performance } from 'node:perf_hooks';
import { CborWriter } from '../../local/kinesis/protocol/cbor-writer.ts';
import { jsonCodec } from '../../local/kinesis/protocol/json-codec.ts';
import type { Format, WireClient } from './wire-client.ts';

const iteratorName = 'NextShardIterator';
const keyName = 'PartitionKey';

/** Reads about `records` records of the first `shards` shards at once from their beginning, 10,000 a call; records per second over all of them. */
export async function getRate(
  client: WireClient,
  streamName: string,
  format: Format,
  records: number,
  signal: AbortSignal,
  shards = Number.POSITIVE_INFINITY,
): Promise<number> {
  const { Shards } = (await client.json('ListShards', { StreamName: streamName })) as { Shards: { ShardId: string }[] };
  const iterators = await Promise.all(
    Shards.slice(0, shards).map(({ ShardId }) =>
      client.json('GetShardIterator', { StreamName: streamName, ShardId, ShardIteratorType: 'TRIM_HORIZON' }),
    ),
  );
  let read = 0;
  const started = performance.now();
  const readShard = async (first: string) => {
    let ofShard = 0;
    for (let iterator = first; ofShard < records; ) {
      signal.throwIfAborted();
      const answer = await client.call('GetRecords', encode(format, { ShardIterator: iterator }), format);
      const count = countOf(answer);
      if (count === 0) throw new Error('the stream holds fewer records than the bench put');
      ofShard += count;
      read += count;
      iterator = nextIterator(answer, format);
    }
  };
  await Promise.all(iterators.map(({ ShardIterator }) => readShard(String(ShardIterator))));
  return read / ((performance.now() - started) / 1_000);
}

export function encode(format: Format, input: Readonly<Record<string, unknown>>): Buffer {
  if (format === 'json') return jsonCodec.encode(input);
  const writer = new CborWriter();
  writer.value(input);
  return writer.finish();
}

/** How many records an answer or event holds. */
export function countOf(answer: Buffer): number {
  let count = 0;
  for (let at = answer.indexOf(keyName); at >= 0; at = answer.indexOf(keyName, at + keyName.length)) count += 1;
  return count;
}

/** Cuts the iterator out of the end of an answer: parsing 10 MB would measure the client. */
function nextIterator(answer: Buffer, format: Format): string {
  const after = answer.lastIndexOf(iteratorName) + iteratorName.length;
  const head = format === 'json' ? '":"'.length : 2; // CBOR: text of 24 to 255 bytes
  const rest = answer.toString('latin1', after + head);
  const end = format === 'json' ? rest.indexOf('"') : (answer[after + 1] ?? 0);
  return rest.slice(0, end);
}
