import type { z } from 'zod';

/** One thing that is wrong with a document or a query. */
export interface Problem {
  /** `[1].probability`; '' is the whole. */
  readonly path: string;
  /** What stood there; absent when nothing did. */
  readonly value?: unknown;
  readonly expected: string;
}

/** Of more the rest is not shown. */
const maxProblems = 100;
const maxShown = 200;

const kinds: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  array: 'a list',
  object: 'an object',
  boolean: 'true or false',
};

/** Input that is refused whole, with everything that is wrong with it. */
export class InvalidInput extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(lineOf).join('\n'));
    this.problems = problems;
  }
}

/** What the schema makes of `value`; throws InvalidInput with all problems at once. */
export function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new InvalidInput(result.error.issues.slice(0, maxProblems).flatMap((issue) => problemsOf(issue, value)));
}

function problemsOf(issue: z.core.$ZodIssue, document: unknown): Problem[] {
  const { path } = issue;
  if (issue.code !== 'unrecognized_keys') return [problemAt(path, document, expectationOf(issue))];
  return issue.keys.map((key) => problemAt([...path, key], document, 'none of this name here'));
}

function expectationOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return kinds[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return `one of ${issue.values.join(', ')}`;
    case 'too_small':
      return bound(issue.origin, issue.inclusive ? 'at least' : 'more than', issue.minimum);
    case 'too_big':
      return bound(issue.origin, issue.inclusive ? 'at most' : 'less than', issue.maximum);
    case 'invalid_union':
      return 'options' in issue && Array.isArray(issue.options) ? `one of ${issue.options.join(', ')}` : issue.message;
    default:
      return issue.message;
  }
}

const bound = (origin: string, relation: string, limit: number | bigint): string =>
  `${relation} ${limit}${origin === 'array' ? ' of them' : ''}`;

function problemAt(path: readonly PropertyKey[], document: unknown, expected: string): Problem {
  let value = document;
  for (const step of path) value = typeof value === 'object' && value !== null ? Reflect.get(value, step) : undefined;
  const text = path.map((step, i) => (typeof step === 'number' ? `[${step}]` : `${i > 0 ? '.' : ''}${String(step)}`)).join('');
  return { path: text.slice(0, maxShown), ...(value !== undefined && { value: shown(value) }), expected };
}

/** Long texts and structures would bury the rest. */
function shown(value: unknown): unknown {
  if (typeof value === 'string') return value.slice(0, maxShown);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === 'object' && value !== null ? 'an object' : value;
}

function lineOf({ path, value, expected }: Problem): string {
  return `${path === '' ? 'the whole' : path}: ${value === undefined ? 'missing' : JSON.stringify(value)}, expected ${expected}`;
}
