import { z } from 'zod';
import { eventTypes } from '../events/booking-event.ts';
import { durationMs, durationPattern } from './duration.ts';

/** What a rule may look back: its memory is kept that long. */
const maxSpan = 'P7D';
const maxAtLeast = 1_000;
/** Far below 2^53, so that a total that is compared is exact. */
const maxTotal = 2 ** 40;
const maxFieldLength = 128;

/** Names that every object answers to, `__proto__` among them: no event carries them as fields. */
const inheritedNames: ReadonlySet<string> = new Set(Object.getOwnPropertyNames(Object.prototype));

const fieldText = `expected the name of a top-level field, 1-${maxFieldLength} characters`;

export const isFieldName = (name: string): boolean => !inheritedNames.has(name);

export const fieldName = z.string({ error: fieldText }).min(1, fieldText).max(maxFieldLength, fieldText).refine(isFieldName, fieldText);

export function wholeNumber(min: number, max: number): z.ZodInt {
  const error = `expected a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, error).max(max, error);
}

/** `max`: a duration itself. */
export function duration(max: string, meaning: string): z.ZodString {
  const maxMs = durationMs(max) ?? 0;
  const form = 'expected an ISO 8601 duration of days, hours, minutes and seconds, such as PT10M';
  return z
    .string({ error: form })
    .regex(durationPattern, form)
    .refine((text) => {
      const ms = durationMs(text);
      return ms === undefined || ms <= maxMs;
    }, `expected a duration from PT0S to ${max}`)
    .describe(meaning);
}

const atLeast = wholeNumber(1, maxAtLeast);
const within = duration(maxSpan, 'newest − oldest, both ends inclusive');
const eventType = z.enum(eventTypes, { error: `expected one of ${eventTypes.join(', ')}` });
const error = 'expected an object';

/** The five kinds of condition; a rule has exactly one. docs/rules.md explains each with an example. */
export const conditionShapes = {
  count: z.strictObject({ atLeast, within }, { error }).describe('atLeast matching events of one key within a span of event time'),
  sum: z
    .strictObject({ field: fieldName, atLeast: wholeNumber(1, maxTotal), within }, { error })
    .describe('values of a field, non-negative integers, add up to atLeast; amountMinor needs exactly one when.currency'),
  distinct: z
    .strictObject({ field: fieldName, atLeast, within }, { error })
    .describe('atLeast different values of a field, told apart by type and value'),
  pairs: z
    .strictObject(
      {
        open: eventType,
        close: eventType,
        on: fieldName.describe('open and close carry the same value in this field'),
        maxGap: duration(maxSpan, 'a pair is 0 to maxGap from open to close'),
        atLeast,
        within: within.describe('between the closes of the newest and the oldest pair, both ends inclusive'),
      },
      { error },
    )
    .refine(({ open, close }) => open !== close, { path: ['close'], error: 'expected another type than open' })
    .describe('atLeast pairs of an open and a later close; when leaves type out and holds for both'),
  session: z
    .strictObject({ gap: duration(maxSpan, 'neighbours of one session lie at most this far apart'), atLeast }, { error })
    .describe('atLeast matching events without a pause longer than gap'),
} as const;

export const conditionKinds = Object.keys(conditionShapes) as (keyof typeof conditionShapes)[];
