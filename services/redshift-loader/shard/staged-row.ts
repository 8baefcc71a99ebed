import type { DeadLetters } from '../../lib/deadletter/dead-letters.ts';
import type { BookingEvent } from '../../lib/events/booking-event.ts';
import type { Outcome } from '../../lib/events/outcome.ts';
import type { StreamRecord } from '../../lib/kcl/processor.ts';
import { eventFields } from '../../lib/warehouse/csv.ts';
import type { StagedRow } from './stage-buffer.ts';

export type Decode = (data: Buffer, partitionKey: string, arrivedAtMs: number) => Outcome<BookingEvent>;

/** What a record of the stream becomes in a file. The shard's own reading and a repair both go through here: their rows are the same. */
export function stagedRowOf(
  { data, partitionKey, position, approximateArrivalTimestamp: arrivedAt }: StreamRecord,
  decode: Decode,
): Outcome<StagedRow> {
  const decoded = decode(data, partitionKey, arrivedAt);
  if (decoded.kind !== 'ok') return decoded;
  const fields = eventFields(decoded.value, arrivedAt);
  return fields.kind === 'ok'
    ? { kind: 'ok', value: { position, arrivedAt, fields: fields.value, occurredAt: decoded.value.occurredAt } }
    : fields;
}

/** Resolves when it is stored for good. */
export async function putDeadLetter(
  deadLetters: DeadLetters,
  { stream, shard }: { readonly stream: string; readonly shard: string },
  record: StreamRecord,
  { reason, error }: { readonly reason: string; readonly error: string },
): Promise<void> {
  await deadLetters.put({
    stream,
    shard,
    sequenceNumber: record.sequenceNumber,
    subSequenceNumber: record.subSequenceNumber,
    partitionKey: record.partitionKey,
    data: record.data,
    reason,
    error,
    arrivedAt: record.approximateArrivalTimestamp,
  });
}
