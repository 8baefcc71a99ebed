import type { Published } from './published.ts';
import type { Result } from './result.ts';
import { remedies } from './unreadable.ts';

const shownHash = 12;

/** Newest first. */
export function listed(published: Published, now: number): Result {
  const { pointer, files, isNew } = published;
  const problems = new Map(published.unreadable.map(({ generation, code }) => [generation, code]));
  const valid = new Map(files.map(({ generation, file }) => [generation, file]));
  const newestInForce = pointer.generations.findLast(({ activeFrom }) => activeFrom <= now)?.generation;
  const generations = pointer.generations.toReversed().map((one) => {
    const state = one.activeFrom > now ? 'pending' : one.generation === newestInForce ? 'in force' : 'replaced';
    return {
      ...one,
      state,
      valid: valid.has(one.generation),
      problem: problems.get(one.generation),
      rules: valid.get(one.generation)?.rules.map(({ id, version }) => `${id}/${version}`) ?? [],
    };
  });
  return {
    refused: false,
    text: [
      ...(isNew ? ["Nothing was published yet: detectors begin with the build's own rules, generation 1."] : []),
      ...generations.map(({ generation, state, activeFrom, publishedAt, publishedBy, hash, valid: isValid, problem, rules }) => {
        const since = activeFrom === 0 ? 'from the beginning' : `from ${time(activeFrom)}`;
        const content = isValid ? rules.join(' ') : problem === undefined ? 'INVALID: the rules before it hold' : '';
        const told = [problem, content].filter(Boolean).join(' ');
        return `${String(generation).padStart(4)}  ${state.padEnd(8)}  ${since}  published ${time(publishedAt)} by ${publishedBy}  ${hash.slice(0, shownHash)}  ${told}`;
      }),
      withheldText(pointer.withheld),
      ...remedies(published),
    ],
    figures: { version: pointer.version, generations, withheld: pointer.withheld },
  };
}

export function withheldText(withheld: 'all' | readonly string[]): string {
  if (withheld === 'all') return 'Withheld: ALL alerts are stored, none is published.';
  return withheld.length === 0 ? 'Withheld: nothing.' : `Withheld: alerts of ${withheld.join(', ')} are stored, not published.`;
}

const time = (ms: number): string => new Date(ms).toISOString();
