import { runState } from '../run.ts';
import { type Scenario, scenarioOf } from '../scenario.ts';
import type { Found } from './search-result.ts';

/** Rules about what is durable at the end. The others watch the protocol's own steps. */
const outcomes = new Set(['effects', 'published', 'state', 'dead letters', 'clean stop', 'orphans', 'end']);

/** Seeds from 1 on until what is durable at the end is wrong, at most `seeds`. */
async function search(seeds: number, more: Partial<Scenario>): Promise<Found> {
  const firstSeeds: Record<string, number> = {};
  for (let seed = 1; seed <= seeds; seed++) {
    const { violations } = await runState({ ...scenarioOf(seed), ...more });
    for (const { rule } of violations) firstSeeds[rule] ??= seed;
    if (violations.some(({ rule }) => outcomes.has(rule))) return { runs: seed, firstSeeds };
  }
  return { runs: seeds, firstSeeds };
}

const [seeds = '', more = '{}'] = process.argv.slice(2);
process.stdout.write(`${JSON.stringify(await search(Number(seeds), JSON.parse(more) as Partial<Scenario>))}\n`);
process.exit(0); // what processes of the simulation still wait for never comes
