import { z } from 'zod';
import { PlatformError } from '../process/errors.ts';
import { durationMs, durationPattern } from './duration.ts';

const maxRules = 200;
const maxAllowedValues = 1_000;
const maxAtLeast = 1_000;
const maxVersion = 1_000_000_000;
const dayMs = 86_400_000;
const maxTimeMs = dayMs; // the router dead-letters what lies further ahead of its arrival
const maxSpanMs = 7 * dayMs;
const maxCooldownMs = 365 * dayMs;

export const ruleModes = ['live', 'shadow', 'off'] as const;
export type RuleMode = (typeof ruleModes)[number];
export const ruleActions = ['notify', 'lock'] as const;
export type RuleAction = (typeof ruleActions)[number];
export const severities = ['low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof severities)[number];

const duration = (minMs: number, maxMs: number, meaning: string) =>
  z
    .string()
    .regex(durationPattern, 'expected an ISO 8601 duration of days, hours, minutes and seconds, such as PT10M')
    .refine((text) => {
      const ms = durationMs(text);
      return ms === undefined || (ms >= minMs && ms <= maxMs);
    }, `expected a duration from ${minMs} ms to ${maxMs} ms`)
    .describe(meaning);

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

const ruleSchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'expected 1-64 of a-z, 0-9 and -, not starting with -'),
  version: z.int().min(1).max(maxVersion).describe('raised by any change but owner and description; a new version starts empty'),
  mode: z.enum(ruleModes).describe('live: stored and published; shadow: stored only; off: not evaluated'),
  action: z.enum(ruleActions).optional().describe('what a subscriber shall do; default notify'),
  severity: z.enum(severities),
  key: z.literal('userId').describe("the stream's key"),
  when: z
    .record(z.string().min(1), z.array(scalar).min(1).max(maxAllowedValues))
    .describe('AND over top-level fields of the event, each a list of allowed values; a missing field matches nothing'),
  count: z
    .strictObject({
      atLeast: z.int().min(1).max(maxAtLeast),
      within: duration(0, maxSpanMs, 'newest − oldest, both ends inclusive'),
    })
    .describe('atLeast matching events of one key within a span of event time'),
  cooldown: duration(0, maxCooldownMs, 'event time after an alert in which the key raises no other; default PT0S').optional(),
  owner: z.string().min(1).max(128).optional(),
  description: z.string().max(2_000).optional(),
});

/** A rules file, version 1: the one source of docs/contracts/rules.v1.json. */
export const rulesFileSchema = z.strictObject({
  time: z.strictObject({
    disorder: duration(0, maxTimeMs, 'watermark = newest used occurredAt − disorder'),
    lateness: duration(0, maxTimeMs, 'an event older than watermark − lateness is late'),
    maxAhead: duration(0, maxTimeMs, 'an event further ahead of its arrival is from the future'),
  }),
  rules: z
    .array(ruleSchema)
    .max(maxRules)
    .refine((rules) => new Set(rules.map((rule) => rule.id)).size === rules.length, 'rule ids must differ'),
});

export type RulesFile = z.infer<typeof rulesFileSchema>;
export type Rule = RulesFile['rules'][number];

const otherConditions = ['sum', 'distinct', 'pairs', 'session'];

/** Checks a parsed JSON document. Throws one RULES_INVALID that lists every problem: an invalid file is refused whole. */
export function parseRulesFile(document: unknown): RulesFile {
  const result = rulesFileSchema.safeParse(document);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => {
    const where = issue.path.length === 0 ? 'file' : issue.path.join('.');
    const others = issue.code === 'unrecognized_keys' ? issue.keys.filter((key) => otherConditions.includes(key)) : [];
    const hint = others.length === 0 ? '' : ` (${others.join(', ')}: not supported, the supported condition is count)`;
    return `  ${where}: ${issue.message}${hint}`;
  });
  throw new PlatformError('RULES_INVALID', `rules file is invalid, ${problems.length} problem(s):\n${problems.join('\n')}`);
}
