import { isUtf8 } from 'node:buffer';
import { deadLetter, type Outcome, ok } from './outcome.ts';

export type TextFault = 'not-utf8' | 'not-json' | 'too-deep' | 'bad-text';

/** DynamoDB nests 32 levels (service quotas); its type tags double them, and the envelope adds a few. */
const maxDepth = 80;

/**
 * The JSON value in some bytes that anybody may have sent. Strict UTF-8; nesting is bounded, so that walking the value is safe;
 * no text in it, names included, holds NUL or half a surrogate pair, which no store behind us can keep.
 */
export function parseJsonText(data: Buffer): Outcome<unknown, never, TextFault> {
  if (!isUtf8(data)) return deadLetter('not-utf8', `${data.length} bytes that are not UTF-8`);
  const text = data.toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return deadLetter('not-json', error instanceof Error ? error.message.slice(0, 200) : 'not JSON');
  }
  // In valid UTF-8, and JSON, only an escape can say NUL or half a pair.
  const fault = faultOf(value, 0, text.includes('\\u'));
  if (fault === 'too-deep') return deadLetter(fault, `nested deeper than ${maxDepth} levels`);
  if (fault === 'bad-text') return deadLetter(fault, 'a text holds NUL or half a surrogate pair');
  return ok(value);
}

const unstorable = /[\0\p{Cs}]/u;

function faultOf(value: unknown, depth: number, hasEscapes: boolean): TextFault | undefined {
  if (typeof value === 'string') return hasEscapes && unstorable.test(value) ? 'bad-text' : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth >= maxDepth) return 'too-deep';
  for (const [name, part] of Object.entries(value)) {
    const fault = faultOf(name, depth, hasEscapes) ?? faultOf(part, depth + 1, hasEscapes);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
