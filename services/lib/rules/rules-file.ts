import { z } from 'zod';
import { PlatformError } from '../process/errors.ts';
import { conditionKinds, conditionShapes, duration, fieldName, wholeNumber } from './conditions.ts';
import { type LineAndColumn, type Problem, problemsOf, problemText } from './problems.ts';

const maxRules = 200;
const maxAllowedValues = 1_000;
const maxVersion = 1_000_000_000;
const maxTime = 'P1D'; // the router dead-letters what lies further ahead of its arrival
const maxCooldown = 'P365D';
const maxOwnerLength = 128;
const maxDescriptionLength = 2_000;

export const ruleModes = ['live', 'shadow', 'off'] as const;
export type RuleMode = (typeof ruleModes)[number];
export const ruleActions = ['notify', 'lock'] as const;
export type RuleAction = (typeof ruleActions)[number];
export const severities = ['low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof severities)[number];

const oneOf = <const T extends readonly string[]>(values: T) => z.enum(values, { error: `expected one of ${values.join(', ')}` });
const text = (min: number, max: number) => {
  const error = `expected a text of ${min} to ${max} characters`;
  return z.string({ error }).min(min, error).max(max, error);
};
const idText = 'expected 1-64 of a-z, 0-9 and -, not starting with -';
const allowedText = `expected a list of 1 to ${maxAllowedValues} allowed values`;
const rulesText = `expected a list of at most ${maxRules} rules`;
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()], { error: 'expected a string, a number, true, false or null' });

const whenSchema = z
  .record(fieldName, z.array(scalar, { error: allowedText }).min(1, allowedText).max(maxAllowedValues, allowedText), {
    error: 'expected an object: field → allowed values',
  })
  .describe('AND over top-level fields of the event, each a list of allowed values; a missing field matches nothing');

/** What binds the fields of a rule to each other, for editors that read the JSON Schema; `checkRule` says it to people. */
const crossFieldSchema = [
  { oneOf: conditionKinds.map((kind) => ({ required: [kind] })) },
  { not: { required: ['pairs'], properties: { when: { required: ['type'] } } } },
  {
    anyOf: [
      { not: { required: ['sum'], properties: { sum: { required: ['field'], properties: { field: { const: 'amountMinor' } } } } } },
      { properties: { when: { required: ['currency'], properties: { currency: { maxItems: 1 } } } } },
    ],
  },
];

const ruleSchema = z
  .strictObject(
    {
      id: z.string({ error: idText }).regex(/^[a-z0-9][a-z0-9-]{0,63}$/, idText),
      version: wholeNumber(1, maxVersion).describe('raised by any change but owner and description; a new version starts empty'),
      mode: oneOf(ruleModes).describe('live: stored and published; shadow: stored only; off: not evaluated'),
      action: oneOf(ruleActions).optional().describe('what a subscriber shall do; default notify'),
      severity: oneOf(severities),
      key: z.literal('userId', { error: "expected userId, the stream's key" }).describe("the stream's key"),
      when: whenSchema,
      count: conditionShapes.count.optional(),
      sum: conditionShapes.sum.optional(),
      distinct: conditionShapes.distinct.optional(),
      pairs: conditionShapes.pairs.optional(),
      session: conditionShapes.session.optional(),
      cooldown: duration(maxCooldown, 'event time after an alert in which the key raises no other; default PT0S').optional(),
      owner: text(1, maxOwnerLength).optional(),
      description: text(0, maxDescriptionLength).optional(),
    },
    { error: 'expected a rule, an object' },
  )
  .superRefine(checkRule, { when: ({ value }) => isObject(value) })
  .meta({ allOf: crossFieldSchema });

const timeText = 'expected an object with disorder, lateness and maxAhead';

/** A rules file, version 1: the one source of docs/contracts/rules.v1.json. */
export const rulesFileSchema = z.strictObject(
  {
    time: z.strictObject(
      {
        disorder: duration(maxTime, 'watermark = newest used occurredAt − disorder'),
        lateness: duration(maxTime, 'an event older than watermark − lateness is late'),
        maxAhead: duration(maxTime, 'an event further ahead of its arrival is from the future'),
      },
      { error: timeText },
    ),
    rules: z
      .array(ruleSchema, { error: rulesText })
      .max(maxRules, rulesText)
      .superRefine(checkIds, { when: ({ value }) => Array.isArray(value) && value.length <= maxRules }),
  },
  { error: 'expected an object with time and rules' },
);

export type RulesFile = z.infer<typeof rulesFileSchema>;
export type Rule = RulesFile['rules'][number];

/**
 * Checks a parsed JSON document. Throws one RULES_INVALID that lists every problem with its path and what was expected:
 * an invalid file is refused whole. `placeOf`: where in its text a path lies; `more`: problems that the text has by itself.
 */
export function parseRulesFile(
  document: unknown,
  placeOf: (path: readonly PropertyKey[]) => LineAndColumn | undefined = () => undefined,
  more: readonly Problem[] = [],
): RulesFile {
  const result = rulesFileSchema.safeParse(document);
  const problems = [...more, ...protoFields(document), ...(result.success ? [] : problemsOf(result.error, document))];
  if (result.success && problems.length === 0) return result.data;
  throw new PlatformError('RULES_INVALID', problemText(problems, placeOf));
}

/** Runs whatever else is wrong with the rule, so that all problems come at once: nothing in it is sure to have its type. */
function checkRule(of: object, context: z.RefinementCtx): void {
  const rule = of as Readonly<Record<string, unknown>>;
  const kinds = conditionKinds.filter((kind) => rule[kind] !== undefined);
  if (kinds.length !== 1) {
    const found = kinds.length === 0 ? 'none' : kinds.join(' and ');
    context.addIssue({ code: 'custom', message: `a rule has exactly one of ${conditionKinds.join(', ')}; this one has ${found}` });
  }
  const where = isObject(rule['when']) ? rule['when'] : {};
  if (rule['pairs'] !== undefined && Object.hasOwn(where, 'type')) {
    context.addIssue({
      code: 'custom',
      path: ['when', 'type'],
      message: 'pairs names its types by open and close: leave type out of when',
    });
  }
  const sum = rule['sum'];
  const currencies = Object.hasOwn(where, 'currency') ? where['currency'] : undefined;
  if (isObject(sum) && sum['field'] === 'amountMinor' && !(Array.isArray(currencies) && currencies.length === 1)) {
    context.addIssue({
      code: 'custom',
      path: ['when', 'currency'],
      message: 'a sum of amountMinor needs exactly one currency here, such as ["EUR"]: amounts of several currencies do not add up',
    });
  }
}

function checkIds(rules: readonly unknown[], context: z.RefinementCtx): void {
  const first = new Map<unknown, number>();
  rules.forEach((rule, i) => {
    const id = isObject(rule) ? rule['id'] : undefined;
    if (typeof id !== 'string') return;
    const earlier = first.get(id);
    if (earlier === undefined) first.set(id, i);
    else context.addIssue({ code: 'custom', path: [i, 'id'], message: `rule ids must differ: ${id} is rules.${earlier}` });
  });
}

/** `__proto__` as a field of `when`, which the schema library passes over. */
function protoFields(document: unknown): Problem[] {
  const rules = isObject(document) ? document['rules'] : undefined;
  if (!Array.isArray(rules)) return [];
  return rules.slice(0, maxRules).flatMap((rule: unknown, i): Problem[] => {
    const where = isObject(rule) ? rule['when'] : undefined;
    const path = ['rules', i, 'when', '__proto__'];
    return isObject(where) && Object.hasOwn(where, '__proto__') ? [{ path, message: 'no event has such a field' }] : [];
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
