import { z } from 'zod';

const attributes = z.record(z.string(), z.unknown());

/**
 * What DynamoDB's Kinesis streaming destination writes per item change. Only what is read is described: AWS may add fields.
 * `userIdentity` is null but for deletes that DynamoDB made itself. Which images exist depends on the change.
 */
export const changeRecordSchema = z.object({
  eventName: z.enum(['INSERT', 'MODIFY', 'REMOVE']),
  userIdentity: z.object({ type: z.string().optional(), principalId: z.string().optional() }).nullish(),
  dynamodb: z.object({
    /** Epoch, in the unit that the precision names. */
    ApproximateCreationDateTime: z.int().min(0).optional(),
    /** Set per streaming destination. */
    ApproximateCreationDateTimePrecision: z.enum(['MILLISECOND', 'MICROSECOND']).optional(),
    Keys: attributes,
    NewImage: attributes.optional(),
    OldImage: attributes.optional(),
  }),
});

export type ChangeRecord = z.infer<typeof changeRecordSchema>;

/** When DynamoDB made the change, epoch µs. Undefined without a precision: a number alone does not say its unit. */
export function changedAtMicros(record: ChangeRecord): number | undefined {
  const { ApproximateCreationDateTime: time, ApproximateCreationDateTimePrecision: precision } = record.dynamodb;
  if (time === undefined || precision === undefined) return undefined;
  const micros = precision === 'MICROSECOND' ? time : time * 1_000;
  return Number.isSafeInteger(micros) ? micros : undefined;
}

/** Deletes by time to live carry the service's own identity (DynamoDB developer guide, "Working with expired items"). */
export function isExpiry(record: ChangeRecord): boolean {
  return record.userIdentity?.type === 'Service' && record.userIdentity.principalId === 'dynamodb.amazonaws.com';
}
