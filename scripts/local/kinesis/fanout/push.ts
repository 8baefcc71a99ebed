import { millisBehind } from '../operations/get-records.ts';
import { childShape } from '../operations/shapes.ts';
import type { Batch } from '../store/record-log.ts';
import { sequenceTextBehind } from '../store/sequence.ts';
import type { SubscriptionParts } from './subscription.ts';

/** RecordList, API reference. */
const maxEventRecords = 10_000;
/** Data and keys. In base64 an event is far below the 16 MiB that SDKs take. It is also what may be queued for a slow reader. */
const maxEventBytes = 1_048_576;

/** The next batch from `counter` on: of at most `allowance` bytes, but for a single larger record. */
export function readNext({ shard }: SubscriptionParts, counter: number, allowance: number): Batch {
  return shard.log.read(counter, maxEventRecords, Math.min(maxEventBytes, allowance));
}

/**
 * The payload of a SubscribeToShardEvent, for a reader that has all before `counter` afterwards. At the end of the shard KCL
 * demands children, each with its parents, and no number to continue at; elsewhere the number and no children.
 */
export function eventPayload({ service, codec, shard }: SubscriptionParts, batch: Batch, counter: number, ended: boolean): Buffer {
  const rest = {
    ContinuationSequenceNumber: ended ? undefined : sequenceTextBehind(shard.sequenceBase, counter - 1),
    MillisBehindLatest: millisBehind(batch, service.clock.now()),
    ChildShards: ended ? shard.children.map(childShape) : undefined,
  };
  return codec.encodeRead({ shard, batch, rest });
}
