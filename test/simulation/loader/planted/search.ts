import type { Found } from '../../state/planted/search-result.ts';
import { openLoader } from '../run.ts';
import { type Scenario, scenarioOf } from '../scenario.ts';

/** Seeds from 1 on until a rule is broken, at most `seeds`. */
async function search(seeds: number, more: Partial<Scenario>): Promise<Found> {
  const { runScenario } = await openLoader();
  for (let seed = 1; seed <= seeds; seed++) {
    const { violations } = await runScenario({ ...scenarioOf(seed), ...more });
    if (violations.length > 0) return { runs: seed, firstSeeds: Object.fromEntries(violations.map(({ rule }) => [rule, seed])) };
  }
  return { runs: seeds, firstSeeds: {} };
}

const [seeds = '', more = '{}'] = process.argv.slice(2);
process.stdout.write(`${JSON.stringify(await search(Number(seeds), JSON.parse(more) as Partial<Scenario>))}\n`);
process.exit(0); // what processes of the simulation still wait for never comes
