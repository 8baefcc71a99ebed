import { z } from 'zod';

/** How many faults a server holds at once: each is tried on every request of its kind. */
export const maxFaults = 100;
/** An hour: longer than any client waits for an answer. */
const maxDelayMs = 3_600_000;
/** A year, the longest retention (IncreaseStreamRetentionPeriod, API reference: 8,760 hours). */
const maxSpanMs = 8_760 * 3_600_000;
const maxCount = 1_000_000_000;
/** A reader gets no more records before its place than one GetRecords answers. */
const maxDuplicates = 10_000;

/** The API by name; a fault for an operation that the server does not serve would never strike. */
export const faultableOperations = [
  'AddTagsToStream',
  'CreateStream',
  'DecreaseStreamRetentionPeriod',
  'DeleteStream',
  'DeregisterStreamConsumer',
  'DescribeLimits',
  'DescribeStream',
  'DescribeStreamConsumer',
  'DescribeStreamSummary',
  'GetRecords',
  'GetShardIterator',
  'IncreaseStreamRetentionPeriod',
  'ListShards',
  'ListStreamConsumers',
  'ListStreams',
  'ListTagsForResource',
  'ListTagsForStream',
  'MergeShards',
  'PutRecord',
  'PutRecords',
  'RegisterStreamConsumer',
  'RemoveTagsFromStream',
  'SplitShard',
  'SubscribeToShard',
  'TagResource',
  'UntagResource',
  'UpdateShardCount',
] as const;

const name = z.string().regex(/^[a-zA-Z0-9_.-]{1,128}$/, '1 to 128 of letters, digits, _ . -');
const share = z.number().gt(0).max(1);
const count = (min: number) => z.int().min(min).max(maxCount);

/** What every fault may say: which requests it is for, how often and when it strikes. */
const common = {
  id: z
    .string()
    .regex(/^[a-zA-Z0-9_-]{1,64}$/, '1 to 64 of letters, digits, _ -')
    .optional()
    .describe('its name in the list; f1, f2, … when left out. Draws depend on the seed of the server and on the id alone'),
  stream: name.optional().describe('only requests on the stream of this name'),
  shard: name.optional().describe('only requests on this shard; a PutRecords with a record for it is one'),
  probability: share.optional().describe('share of the considered that it strikes, drawn from the seed; default 1'),
  after: count(0).optional().describe('the first so many considered are spared; default 0'),
  times: count(1).optional().describe('strikes at most so often'),
  fromMs: z.int().min(0).max(maxSpanMs).optional().describe("begins so long after it was set, by the server's clock; default 0"),
  forMs: z.int().min(1).max(maxSpanMs).optional().describe('ends so long after it began'),
};
const consumer = { consumer: name.optional().describe('only SubscribeToShard of the consumer of this name') };
const operations = <const T extends readonly [string, ...string[]]>(names: T) => ({
  operations: z.array(z.enum(names)).min(1).max(names.length).optional().describe('only these; default all of the kind'),
});
const onRequests = { ...common, ...consumer, ...operations(faultableOperations) };

export const faultSchema = z
  .discriminatedUnion('kind', [
    z
      .strictObject({ kind: z.literal('throttle'), ...onRequests })
      .describe('refused: ProvisionedThroughputExceededException for reads and puts of records, LimitExceededException for the rest'),
    z
      .strictObject({ kind: z.literal('error'), code: z.enum(['InternalFailure', 'ServiceUnavailable']).optional(), ...onRequests })
      .describe('refused: InternalFailure (500, the default) or ServiceUnavailable (503)'),
    z.strictObject({ kind: z.literal('reset'), ...onRequests }).describe('nothing is done and the connection is cut'),
    z
      .strictObject({ kind: z.literal('lost'), answer: z.enum(['drop', 'error']).optional(), ...onRequests })
      .describe('carried out, then the answer is dropped with its connection (drop, the default) or is a 500 instead (error)'),
    z
      .strictObject({
        kind: z.literal('slow'),
        delayMs: z.int().min(1).max(maxDelayMs),
        jitterMs: z.int().min(0).max(maxDelayMs).optional().describe('the delay is drawn from delayMs ± jitterMs'),
        ...onRequests,
      })
      .describe('carried out at once, answered later'),
    z.strictObject({ kind: z.literal('expired-iterator'), ...common }).describe('GetRecords answers ExpiredIteratorException'),
    z
      .strictObject({
        kind: z.literal('partial'),
        code: z.enum(['ProvisionedThroughputExceededException', 'InternalFailure']).optional(),
        share: share.optional().describe('share of the entries of a request that is struck; default 1'),
        ...common,
      })
      .describe('entries of PutRecords fail, by default with ProvisionedThroughputExceededException'),
    z
      .strictObject({
        kind: z.literal('duplicate'),
        records: z.int().min(1).max(maxDuplicates),
        ...common,
        ...consumer,
        ...operations(['GetShardIterator', 'SubscribeToShard']),
      })
      .describe('a reader that names a sequence number gets up to so many records before it again'),
    z
      .strictObject({ kind: z.literal('stuck'), ...common, ...consumer, ...operations(['GetRecords', 'SubscribeToShard']) })
      .describe('reads answer no records though there are some; subscriptions stay silent'),
    z
      .strictObject({
        kind: z.literal('skew'),
        skewMs: z.int().min(-maxSpanMs).max(maxSpanMs),
        ...common,
        ...operations(['PutRecord', 'PutRecords']),
      })
      .describe('arrival times of records are so much later, or earlier when negative; they never fall within a shard'),
  ])
  .meta({ id: 'Fault' });
export type Fault = z.infer<typeof faultSchema>;
export type FaultKind = Fault['kind'];

const faultListSchema = z.array(faultSchema).min(1).max(maxFaults);

/** What a file holds and POST /_local/faults takes: one fault or a list. */
export const faultsDocumentSchema = z.union([faultSchema, faultListSchema]);

/** The part of the schema that is meant, so that its problems are those of the form that was used. */
export const faultsSchemaFor = (document: unknown): z.ZodType<Fault | Fault[]> => (Array.isArray(document) ? faultListSchema : faultSchema);
