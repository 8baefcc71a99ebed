import { WindowError } from './window-error.ts';

/** What state is made of: JSON, so that a snapshot can be read by the version before and after this one. */
export type Plain = null | boolean | number | string | readonly Plain[] | { readonly [name: string]: Plain };

/** Values nested deeper are no data of ours, and could exhaust the stack. */
const maxValueDepth = 64;
/** A row wraps the deepest value in the lists of its window, its elements and its aggregate. */
const maxRowDepth = maxValueDepth + 64;

/** The text of a row. Throws STATE_INVALID, with the path, for what JSON would change: NaN, infinities, undefined, class instances. */
export function plainText(value: unknown): string {
  const problem = plainProblem(value, 'state', maxRowDepth);
  if (problem !== undefined) throw new WindowError('STATE_INVALID', `${problem}: it cannot be kept in a snapshot`);
  return JSON.stringify(value);
}

/** For values that are kept as they are. Throws RECORD_INVALID, so that a snapshot never fails for what a record brought. */
export function checkPlain(value: unknown): void {
  const problem = plainProblem(value, 'value');
  if (problem !== undefined) throw new WindowError('RECORD_INVALID', `${problem}: only JSON can be kept`);
}

/** What is wrong, with its path from `name`; undefined: the value is plain. −0 is, as 0. */
export function plainProblem(value: unknown, name: string, maxDepth = maxValueDepth): string | undefined {
  const problem = problemIn(value, maxDepth, maxDepth);
  return problem === undefined ? undefined : `${name}${problem.path} ${problem.what}`;
}

interface Problem {
  readonly path: string;
  readonly what: string;
}

/** The path is put together only on the way back, since most values are plain. */
function problemIn(value: unknown, left: number, maxDepth: number): Problem | undefined {
  if (left < 0) return { path: '', what: `is nested deeper than ${maxDepth}` };
  if (value === null || typeof value === 'boolean' || typeof value === 'string' || Number.isFinite(value)) return undefined;
  if (Array.isArray(value)) {
    // By index, since a list with holes has fewer entries than its text would have.
    for (let i = 0; i < value.length; i++) {
      const problem = problemIn(value[i], left - 1, maxDepth);
      if (problem !== undefined) return { ...problem, path: `[${i}]${problem.path}` };
    }
    return undefined;
  }
  if (typeof value === 'object' && [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null)) {
    for (const [name, item] of Object.entries(value)) {
      const problem = problemIn(item, left - 1, maxDepth);
      if (problem !== undefined) return { ...problem, path: `.${name}${problem.path}` };
    }
    return undefined;
  }
  return { path: '', what: `is ${typeof value === 'number' ? value : `of type ${typeof value}`}` };
}
