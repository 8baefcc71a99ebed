import { type PlantedIn, type Tried, tryPlanted } from '../../test/simulation/state/planted/run.ts';

export interface PlantedOptions {
  readonly where: readonly PlantedIn[];
  readonly seeds: number;
  readonly json: boolean;
  readonly signal: AbortSignal;
}

/** Prints a table of the planted bugs. True when each was found that does harm. */
export async function lookForPlanted(
  { where, seeds, json, signal }: PlantedOptions,
  print: (line: string) => void,
  note: (line: string) => void,
): Promise<boolean> {
  const all: Tried[] = [];
  for (const one of where) {
    for await (const tried of tryPlanted(one, seeds, signal)) {
      all.push(tried);
      (json ? note : print)(lineOf(tried));
    }
  }
  const missed = all.filter(({ found, harmless }) => !found && harmless === undefined);
  const ok = missed.length === 0;
  const figures = { planted: all.length, found: all.filter(({ found }) => found).length, missed: missed.length };
  print(
    json
      ? JSON.stringify({ type: 'result', ok, ...figures, bugs: all })
      : `${figures.found} of ${figures.planted} found, ${figures.missed} missed`,
  );
  return ok;
}

/** What told, with the first seed of each rule; a bug that leaves all that is durable right says why. */
export function lineOf({ name, found, firstSeeds, harmless }: Tried): string {
  const rules = Object.entries(firstSeeds).map(([rule, seed]) => `${rule} (seed ${seed})`);
  const verdict = found ? 'found   ' : harmless === undefined ? 'MISSED  ' : 'harmless';
  return `${verdict}  ${name}${rules.length > 0 ? `: ${rules.join(', ')}` : ''}${harmless === undefined ? '' : `\n          does no harm: ${harmless}`}`;
}
