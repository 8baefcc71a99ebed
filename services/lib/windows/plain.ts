import { WindowError } from './window-error.ts';

/** What state is made of: JSON, so that a snapshot can be read by the version before and after this one. */
export type Plain = null | boolean | number | string | readonly Plain[] | { readonly [name: string]: Plain };

/** The text of a row. Throws STATE_INVALID, with the path, for what JSON would change: NaN, infinities, undefined, class instances. */
export function plainText(value: unknown): string {
  const problem = notPlain(value, 'state');
  if (problem !== undefined) throw new WindowError('STATE_INVALID', `${problem}: it cannot be kept in a snapshot`);
  return JSON.stringify(value);
}

/** For values that are kept as they are. Throws RECORD_INVALID, so that a snapshot never fails for what a record brought. */
export function checkPlain(value: unknown): void {
  const problem = notPlain(value, 'value');
  if (problem !== undefined) throw new WindowError('RECORD_INVALID', `${problem}: only JSON can be kept`);
}

/** Deeper ones are no data of ours, and could exhaust the stack. */
const maxDepth = 64;

/** What is wrong; undefined: it is plain. −0 is, as 0. */
function notPlain(value: unknown, path: string, depth = 0): string | undefined {
  if (depth > maxDepth) return `${path} is nested deeper than ${maxDepth}`;
  if (value === null || typeof value === 'boolean' || typeof value === 'string' || Number.isFinite(value)) return undefined;
  if (Array.isArray(value))
    return firstOf(
      value.map((item, i) => [`${path}[${i}]`, item]),
      depth + 1,
    );
  if (typeof value === 'object' && [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null)) {
    return firstOf(
      Object.entries(value).map(([name, item]) => [`${path}.${name}`, item]),
      depth + 1,
    );
  }
  return `${path} is ${typeof value === 'number' ? value : `of type ${typeof value}`}`;
}

function firstOf(items: readonly (readonly [path: string, value: unknown])[], depth: number): string | undefined {
  for (const [path, value] of items) {
    const problem = notPlain(value, path, depth);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
