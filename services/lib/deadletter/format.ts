import { z } from 'zod';
import type { Outcome } from '../events/outcome.ts';
import { deadLetter, ok } from '../events/outcome.ts';

/** A record nobody could use: its original bytes, where it came from, and why. */
export interface DeadLetter {
  /** Who gave it up. */
  readonly service: string;
  /** Name of the stream it came from, and where `replay` sends it. */
  readonly stream: string;
  readonly shard: string;
  readonly sequenceNumber: string;
  readonly subSequenceNumber: number;
  readonly partitionKey: string;
  readonly data: Buffer;
  /** From a small closed set per service. */
  readonly reason: string;
  /** In words, for people; cut to 2,000 characters. */
  readonly error: string;
  /** When the stream took the record, epoch ms. */
  readonly arrivedAt: number;
}

export const deadLetterRoot = 'deadletter/';
const maxErrorLength = 2_000;

/** By source position, so that a repeat after a crash is the same object. */
export function deadLetterKey(letter: Pick<DeadLetter, 'service' | 'stream' | 'shard' | 'sequenceNumber' | 'subSequenceNumber'>): string {
  return `${deadLetterRoot}${letter.service}/${letter.stream}/${letter.shard}/${letter.sequenceNumber}-${letter.subSequenceNumber}.json`;
}

const stored = z.object({
  schemaVersion: z.literal(1),
  service: z.string().min(1),
  stream: z.string().min(1),
  shard: z.string().min(1),
  sequenceNumber: z.string().regex(/^\d{1,129}$/),
  subSequenceNumber: z.int().min(0),
  partitionKey: z.string(),
  arrivedAt: z.int(),
  reason: z.string(),
  error: z.string(),
  /** The original bytes, base64. */
  data: z.base64(),
});

export function encodeDeadLetter(letter: DeadLetter): Buffer {
  const body: z.infer<typeof stored> = {
    schemaVersion: 1,
    service: letter.service,
    stream: letter.stream,
    shard: letter.shard,
    sequenceNumber: letter.sequenceNumber,
    subSequenceNumber: letter.subSequenceNumber,
    partitionKey: letter.partitionKey,
    arrivedAt: letter.arrivedAt,
    reason: letter.reason,
    error: letter.error.slice(0, maxErrorLength),
    data: letter.data.toString('base64'),
  };
  return Buffer.from(`${JSON.stringify(body)}\n`);
}

export function decodeDeadLetter(body: Buffer): Outcome<DeadLetter, never, 'not-a-dead-letter'> {
  let json: unknown;
  try {
    json = JSON.parse(body.toString('utf8'));
  } catch (error) {
    return deadLetter('not-a-dead-letter', String(error));
  }
  const parsed = stored.safeParse(json);
  if (!parsed.success) return deadLetter('not-a-dead-letter', z.prettifyError(parsed.error));
  const { schemaVersion: _, data, ...rest } = parsed.data;
  return ok({ ...rest, data: Buffer.from(data, 'base64') });
}
