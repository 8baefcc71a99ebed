import type { KinesisClient } from '@aws-sdk/client-kinesis';
import type { Position } from '../../lib/kcl/position.ts';
import type { StreamRecord } from '../../lib/kcl/processor.ts';
import { readShard } from '../../lib/kcl/shard-reader.ts';
import { listShards } from '../../lib/kcl/shards.ts';
import { PlatformError } from '../../lib/process/errors.ts';

/** The shard's records in (after, upTo], without KCL. Rejects with STREAM_TRIMMED when some of them are gone. */
export async function* readStreamGap(gap: {
  readonly kinesis: KinesisClient;
  readonly streamName: string;
  readonly shardId: string;
  readonly after: Position;
  readonly upTo: Position;
}): AsyncGenerator<readonly StreamRecord[], void, undefined> {
  const shard = (await listShards(gap.kinesis, gap.streamName)).find(({ shardId }) => shardId === gap.shardId);
  if (shard === undefined) throw new PlatformError('STREAM_TRIMMED', `${gap.shardId} is not listed any more: all of it is gone`);
  yield* readShard({ ...gap, shard });
}
