import assert from 'node:assert/strict';
import type { Outcome, Simulation } from './simulation.ts';

const onlySeed = process.env['SEED'];
const manySeeds = process.env['SEEDS'];

/** `SEED=17` replays one schedule, `SEEDS=500` runs many, and then all calls too; the defaults keep `npm test` short. */
export function simulationTests(
  suite: Mocha.Suite,
  open: () => Promise<Simulation>,
  { seeds, step }: { readonly seeds: number; readonly step: number },
): void {
  const count = Number(manySeeds ?? seeds);
  suite.timeout(Math.max(60_000, count * 5_000));
  let simulation: Simulation;
  before(async () => (simulation = await open()));
  after(() => simulation.close());

  it('all comes right in the end, over seeded schedules', async () => {
    for (const seed of onlySeed === undefined ? Array.from({ length: count }, (_, i) => i + 1) : [Number(onlySeed)]) {
      assertRight(`seed ${seed}`, await simulation.run(seed));
    }
  });

  it('whichever call of one run dies, fails or loses its answer', async function () {
    if (onlySeed !== undefined) this.skip();
    for await (const { script, outcome } of simulation.eachCall(manySeeds === undefined ? step : 1)) assertRight(script, outcome);
  });
}

function assertRight(what: string, { violations, trace }: Outcome): void {
  assert.deepEqual(violations, [], `${what}\n  ${trace.slice(-25).join('\n  ')}`);
}
