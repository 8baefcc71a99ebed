import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

/** Packages that say they want a newer Node than ours, and what shows that they run on it. */
const runsAllTheSame: Readonly<Record<string, string>> = {
  'node_modules/@polyglot-sql/sdk': 'test/scripts/house/sql/rules.test.ts',
};

const root = new URL('../../../', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, root), 'utf8');
const parts = (version: string): number[] => [0, 1, 2].map((i) => Number(version.split('.')[i] ?? 0) || 0);

function compare(a: string, b: string): number {
  const [left, right] = [parts(a), parts(b)];
  return left.map((n, i) => n - (right[i] ?? 0)).find((difference) => difference !== 0) ?? 0;
}

/** As much of npm's ranges as the lock file uses. */
function allows(range: string, version: string): boolean {
  return range.split('||').some((all) =>
    [...all.trim().matchAll(/(>=|<=|>|<|\^|~|=)?\s*v?(\d[\w.-]*|\*)/g)].every(([, sign = '=', bound = '']) => {
      if (bound === '*') return true;
      const order = compare(version, bound);
      const depth = bound.split('.').filter((part) => /^\d/.test(part)).length;
      if (sign === '^' || (sign === '=' && depth === 1)) return order >= 0 && parts(version)[0] === parts(bound)[0];
      if (sign === '~') return order >= 0 && parts(version)[0] === parts(bound)[0] && parts(version)[1] === parts(bound)[1];
      return { '>=': order >= 0, '<=': order <= 0, '>': order > 0, '<': order < 0, '=': order === 0 }[sign] ?? false;
    }),
  );
}

describe('packages', () => {
  it('run on the oldest Node that this project takes', () => {
    const { engines } = JSON.parse(read('package.json')) as { engines: { node: string } };
    const oldest = /\d+\.\d+/.exec(engines.node)?.[0] ?? '';
    const lock = JSON.parse(read('package-lock.json')) as { packages: Record<string, { engines?: { node?: string } | string[] }> };
    const tooNew = Object.entries(lock.packages)
      .filter(([, { engines: wanted }]) => wanted !== undefined && 'node' in wanted && !allows(wanted.node ?? '*', oldest))
      .map(([path]) => path);
    assert.deepEqual(tooNew, Object.keys(runsAllTheSame));
    for (const proof of Object.values(runsAllTheSame)) read(proof);
  });

  it('are told apart by their ranges', () => {
    for (const range of ['*', '>=18', '^18.0.0 || >=20', '20 || 22', '>= 14.21.3', '^20.17.0', '>=20.0.0 <24'])
      assert(allows(range, '20.19'), range);
    for (const range of ['>=22', '^18 || ^22', '>=20.20', '22', '<20', '^20.20.0']) assert(!allows(range, '20.19'), range);
  });
});
