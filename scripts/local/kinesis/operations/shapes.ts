import { sequenceText } from '../store/sequence.ts';
import type { Shard } from '../store/shard.ts';

const hashKeyRange = (shard: Shard) => ({
  StartingHashKey: shard.range.start.toString(),
  EndingHashKey: shard.range.end.toString(),
});

/** Shard of the API reference. Members that do not apply are undefined and left out on the wire. */
export const shardShape = (shard: Shard) => ({
  ShardId: shard.id,
  ParentShardId: shard.parentIds[0],
  AdjacentParentShardId: shard.parentIds[1],
  HashKeyRange: hashKeyRange(shard),
  SequenceNumberRange: {
    StartingSequenceNumber: sequenceText(shard.sequenceBase, shard.startCounter),
    EndingSequenceNumber: shard.end && sequenceText(shard.sequenceBase, shard.end.counter),
  },
});

/** ChildShard of the API reference: KCL refuses the end of a shard that does not name its children. */
export const childShape = (shard: Shard) => ({
  ShardId: shard.id,
  ParentShards: shard.parentIds,
  HashKeyRange: hashKeyRange(shard),
});
