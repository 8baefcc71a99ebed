import type { z } from 'zod';
import { bookingEventSchema } from '../../services/lib/events/booking-event.ts';
import { parseJsonText } from '../../services/lib/events/json-text.ts';
import { gotText, pathText } from '../../services/lib/rules/problems.ts';
import { counted, number } from './words.ts';

/** More of one line nobody reads. */
const maxParts = 4;

export interface EventProblem {
  /** Names the fields at fault, whatever their values: two lines with the same one are examples of the same mistake. */
  readonly kind: string;
  /** One line: field, value, what was expected. */
  readonly text: string;
}

/** What is wrong with a line that is JSON, field by field; undefined when it is not JSON, or nothing in it breaks the contract. */
export function eventProblem(data: Buffer): EventProblem | undefined {
  const json = parseJsonText(data);
  if (json.kind !== 'ok') return undefined;
  const { error } = bookingEventSchema.safeParse(json.value);
  if (error === undefined) return undefined;
  const problems = error.issues.map((issue) => problemOf(issue, json.value));
  const missing = problems.flatMap(({ name, isMissing }) => (isMissing ? [name] : []));
  const texts = problems.flatMap(({ text }) => text ?? []);
  const parts = missing.length === 0 ? texts : [...texts, `missing ${missing.join(', ')}`];
  const more = parts.length > maxParts ? [`and ${parts.length - maxParts} more`] : [];
  return { kind: problems.map(({ name }) => name).join(), text: [...parts.slice(0, maxParts), ...more].join('; ') };
}

function problemOf(issue: z.core.$ZodIssue, event: unknown): { name: string; isMissing: boolean; text?: string } {
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.slice(0, maxParts).map((key) => pathText([key]));
    const more = issue.keys.length > maxParts ? ', …' : '';
    return { name: 'unknown', isMissing: false, text: `unknown field${issue.keys.length === 1 ? '' : 's'} ${names.join(', ')}${more}` };
  }
  const { path } = issue;
  const name = path.length === 0 ? '' : pathText(path);
  const got = gotText(event, path);
  if (path.length === 1 && got === '; it is missing') return { name, isMissing: true };
  const { description } = bookingEventSchema.shape[path[0] as keyof typeof bookingEventSchema.shape] ?? {};
  return {
    name,
    isMissing: false,
    text: `${name}${name === '' ? '' : ': '}expected ${expectedText(issue)}${description === undefined ? '' : ` (${description})`}${got}`,
  };
}

const nouns: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  object: 'a JSON object',
  record: 'a JSON object',
};

function expectedText(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return nouns[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return issue.values.length === 1 ? String(issue.values[0]) : `one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return `at least ${boundText(issue.origin, issue.minimum)}`;
    case 'too_big':
      return `at most ${boundText(issue.origin, issue.maximum)}`;
    case 'invalid_format':
      return `a text of the form ${issue.pattern ?? issue.format}`;
    default:
      return issue.message;
  }
}

const boundText = (origin: string, bound: number | bigint): string =>
  origin === 'string' ? counted(Number(bound), 'character') : number(Number(bound));
