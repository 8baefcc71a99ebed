import { hash } from 'node:crypto';
import { type Shard as ApiShard, type KinesisClient, ListShardsCommand } from '@aws-sdk/client-kinesis';
import { PlatformError } from '../process/errors.ts';

/** A shard and its place in the lineage. Both ends of the hash range are inclusive (Kinesis API reference, HashKeyRange). */
export interface Shard {
  readonly shardId: string;
  /** Parent and adjacent parent; ids that are no longer listed are kept. */
  readonly parents: readonly string[];
  readonly range: HashRange;
  readonly startingSequenceNumber: string;
  readonly closed: boolean;
}

export interface HashRange {
  readonly start: bigint;
  readonly end: bigint;
}

/** Unsigned 128-bit MD5 of the UTF-8 partition key: where Kinesis places a record without an explicit hash key. */
export function hashKeyOf(partitionKey: string): bigint {
  return BigInt(`0x${hash('md5', partitionKey, 'hex')}`);
}

export const inRange = (hash: bigint, range: HashRange): boolean => hash >= range.start && hash <= range.end;

const maxPages = 100;

/** All shards the stream still knows, closed ones included, in shard id order. Rejects with STREAM_UNAVAILABLE. */
export async function listShards(kinesis: KinesisClient, streamName: string): Promise<Shard[]> {
  const shards: ApiShard[] = [];
  let nextToken: string | undefined;
  try {
    for (let page = 0; page < maxPages; page++) {
      const answer = await kinesis.send(
        new ListShardsCommand(nextToken === undefined ? { StreamName: streamName } : { NextToken: nextToken }),
      );
      shards.push(...(answer.Shards ?? []));
      nextToken = answer.NextToken;
      if (nextToken === undefined) return shards.map(toShard).sort((a, b) => (a.shardId < b.shardId ? -1 : 1));
    }
  } catch (cause) {
    throw new PlatformError('STREAM_UNAVAILABLE', `cannot list the shards of ${streamName}`, { retriable: true, cause });
  }
  throw new PlatformError('STREAM_UNAVAILABLE', `${streamName} lists more than ${maxPages} pages of shards`);
}

/** Undefined for a shard that the stream does not list any more: closed, and all its records expired. Rejects with STREAM_UNAVAILABLE. */
export async function findShard(kinesis: KinesisClient, streamName: string, shardId: string): Promise<Shard | undefined> {
  return (await listShards(kinesis, streamName)).find((shard) => shard.shardId === shardId);
}

function toShard(shard: ApiShard): Shard {
  const range = shard.HashKeyRange;
  const sequence = shard.SequenceNumberRange;
  if (!shard.ShardId || !range?.StartingHashKey || !range.EndingHashKey || !sequence?.StartingSequenceNumber) {
    throw new PlatformError('PROTOCOL', `ListShards answered an incomplete shard: ${JSON.stringify(shard)}`);
  }
  return {
    shardId: shard.ShardId,
    parents: [shard.ParentShardId, shard.AdjacentParentShardId].filter((id) => id !== undefined),
    range: { start: BigInt(range.StartingHashKey), end: BigInt(range.EndingHashKey) },
    startingSequenceNumber: sequence.StartingSequenceNumber,
    closed: sequence.EndingSequenceNumber !== undefined,
  };
}
