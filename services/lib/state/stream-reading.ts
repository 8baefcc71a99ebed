import type { KinesisClient } from '@aws-sdk/client-kinesis';
import type { Position } from '../kcl/position.ts';
import type { ShardContext, StreamRecord } from '../kcl/processor.ts';
import { readShard } from '../kcl/shard-reader.ts';
import { listShards, type Shard } from '../kcl/shards.ts';

/** The stream beside KCL: which shards there are, and what lies in them. */
export interface StreamReading {
  /** All that the stream still lists, closed ones included. Rejects with STREAM_UNAVAILABLE. */
  listShards(): Promise<readonly Shard[]>;
  /**
   * Records after `after` up to `upTo` (inclusive, a record of the shard) or to the shard's end, in order, strays left out. Rejects with
   * STREAM_TRIMMED when some of them are older than the retention.
   */
  read(shard: Shard, after: Position, upTo: Position | 'end'): AsyncIterable<readonly StreamRecord[]>;
  /** Nothing that was ever on the stream can have left it yet. */
  readonly untrimmed: boolean;
  /** Epoch ms: what arrived before has left the stream, unless somebody has prolonged its retention. */
  readonly trimmedBefore: number;
}

const hourMs = 3_600_000;
/** What is there when a read from the beginning is decided on must still be there when it gets to it. */
const readingMs = hourMs;
/** Clocks differ, and nothing says how soon what is too old goes. */
const trimmingMs = hourMs;

/** The stream of a shard that KCL delivers. */
export function kinesisReading(
  kinesis: KinesisClient,
  { streamName, streamId, log }: Pick<ShardContext, 'streamName' | 'streamId' | 'log'>,
  { retentionHours, now }: { readonly retentionHours: number; readonly now: () => number },
): StreamReading {
  const createdAt = Number(streamId.slice(streamId.lastIndexOf('@') + 1)) * 1_000;
  return {
    listShards: () => listShards(kinesis, streamName),
    read: (shard, after, upTo) =>
      readShard({
        kinesis,
        streamName,
        shard,
        after,
        upTo,
        onStray: (sequenceNumber, userRecords) =>
          log.warn({ event: 'stray.dropped', shardId: shard.shardId, sequenceNumber, userRecords }, 'dropped an aggregate as KCL does'),
      }),
    get untrimmed() {
      return now() - createdAt < retentionHours * hourMs - readingMs;
    },
    get trimmedBefore() {
      return now() - retentionHours * hourMs - trimmingMs;
    },
  };
}
