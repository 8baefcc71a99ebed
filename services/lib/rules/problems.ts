import type { z } from 'zod';

export interface Problem {
  readonly path: readonly PropertyKey[];
  /** What was expected. */
  readonly message: string;
}

export interface LineAndColumn {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
}

/** More than anybody mends in one go, and far below what a hostile file could make us print. */
const maxProblems = 1_000;
const maxShown = 60;
/** What a list may show of one value that is not plain. */
const maxNames = 20;

/** One problem for each thing wrong, also for each field that nothing knows. `document`: what was checked. */
export function problemsOf({ issues }: z.ZodError, document: unknown): Problem[] {
  const problems = issues.flatMap((issue): Problem[] => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ path: [...issue.path, key], message: 'unknown field' }));
    }
    // A name that is not allowed: its own problem lies one level deeper.
    if (issue.code === 'invalid_key') return [{ path: issue.path, message: issue.issues[0]?.message ?? issue.message }];
    const got = issue.message.startsWith('expected') ? gotText(document, issue.path) : '';
    return [{ path: issue.path, message: `${issue.message}${got}` }];
  });
  // A number may break two checks that say the same.
  return [...new Map(problems.map((problem) => [JSON.stringify([problem.path, problem.message]), problem])).values()];
}

export function problemText(problems: readonly Problem[], placeOf: (path: readonly PropertyKey[]) => LineAndColumn | undefined): string {
  const lines = problems.slice(0, maxProblems).map(({ path, message }) => {
    const place = placeOf(path);
    const where = place === undefined ? '' : ` (line ${place.line}, column ${place.column})`;
    return `  ${pathText(path)}${where}: ${message}`;
  });
  const left = problems.length - lines.length;
  if (left > 0) lines.push(`  … and ${left} more`);
  return `rules file is invalid, ${problems.length} problem${problems.length === 1 ? '' : 's'}:\n${lines.join('\n')}`;
}

/** `rules.0.count.atLeast`; a name that is not a plain word stands in quotes. */
export function pathText(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'file';
  return path.map((part) => (/^\w{1,60}$/.test(String(part)) ? String(part) : clipped(JSON.stringify(String(part))))).join('.');
}

/** What stands at the path: `, got 5`, or `; it is missing`. */
export function gotText(document: unknown, path: readonly PropertyKey[]): string {
  let value = document;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return '; it is missing';
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value === undefined ? '; it is missing' : `, got ${shown(value)}`;
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) {
    const names = Object.keys(value);
    return names.length === 0 ? 'an empty object' : clipped(`an object with ${names.slice(0, maxNames).join(', ')}`);
  }
  return clipped(typeof value === 'string' ? JSON.stringify(value) : String(value));
}

const clipped = (text: string): string => (text.length <= maxShown ? text : `${text.slice(0, maxShown - 1)}…`);
