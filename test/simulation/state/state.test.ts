import assert from 'node:assert/strict';
import { eachCall, runState } from './run.ts';
import { scenarioOf } from './scenario.ts';

/** `SEED=17` replays one schedule, `SEEDS=500` runs many; the defaults keep `npm test` short. */
const onlySeed = process.env['SEED'];
const seeds = onlySeed === undefined ? Array.from({ length: Number(process.env['SEEDS'] ?? 6) }, (_, i) => i + 1) : [Number(onlySeed)];

describe('state in simulation: processes die at any await, leases move, stores rot, the stream is cut anew', function () {
  this.timeout(Math.max(60_000, seeds.length * 5_000));

  it('effects and state are those of the stream, over seeded schedules', async () => {
    for (const seed of seeds) {
      const { violations, trace } = await runState(scenarioOf(seed));
      assert.deepEqual(violations, [], `seed ${seed}\n  ${trace.slice(-25).join('\n  ')}`);
    }
  });

  it('whichever call of one run dies, fails or loses its answer', async function () {
    if (onlySeed !== undefined) this.skip();
    const step = process.env['SEEDS'] === undefined ? 23 : 1;
    for await (const { scenario, outcome } of eachCall(step)) {
      assert.deepEqual(outcome.violations, [], `${JSON.stringify(scenario.script)}\n  ${outcome.trace.slice(-25).join('\n  ')}`);
    }
  });
});
