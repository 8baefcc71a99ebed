import { type PlantedIn, type Tried, tryPlanted } from '../../test/simulation/state/planted/run.ts';

export interface PlantedOptions {
  readonly where: readonly PlantedIn[];
  readonly seeds: number;
  readonly json: boolean;
  readonly signal: AbortSignal;
}

/** Prints a table of the planted bugs, at Ctrl-C of those looked for so far. True when each of them was found that does harm. */
export async function lookForPlanted(
  { where, seeds, json, signal }: PlantedOptions,
  print: (line: string) => void,
  note: (line: string) => void,
  triedIn: typeof tryPlanted = tryPlanted,
): Promise<boolean> {
  const all: Tried[] = [];
  try {
    for (const one of where) {
      if (signal.aborted) break;
      for await (const tried of triedIn(one, seeds, signal)) {
        all.push(tried);
        (json ? note : print)(lineOf(tried, seeds));
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  const missed = all.filter(({ found, harmless }) => !found && harmless === undefined);
  const ok = missed.length === 0;
  const figures = { planted: all.length, found: all.filter(({ found }) => found).length, missed: missed.length };
  print(
    json
      ? JSON.stringify({ type: 'result', ok, ...figures, stopped: signal.aborted, bugs: all })
      : `${figures.found} of ${figures.planted} found, ${figures.missed} missed${signal.aborted ? '; stopped before the rest' : ''}`,
  );
  return ok;
}

/** What told, with the first seed of each rule; a bug that leaves all that is durable right says why. */
export function lineOf({ name, found, firstSeeds, harmless }: Tried, seeds: number): string {
  const rules = Object.entries(firstSeeds).map(([rule, seed]) => `${rule} (seed ${seed})`);
  const verdict = found ? 'found   ' : harmless === undefined ? 'MISSED  ' : 'harmless';
  const missed = found || harmless !== undefined ? '' : `: not found within ${seeds} seeds, more --seeds may find it`;
  const why = harmless === undefined ? missed : `\n          does no harm: ${harmless}`;
  return `${verdict}  ${name}${rules.length > 0 ? `: ${rules.join(', ')}` : ''}${why}`;
}
