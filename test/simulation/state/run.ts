import type { Fate } from '../scheduler.ts';
import type { Outcome, Simulation } from '../simulation.ts';
import { FraudSubject } from './fraud-subject.ts';
import { Nature } from './nature.ts';
import { plainScenario, type Scenario, scenarioOf } from './scenario.ts';
import type { Subject } from './subject.ts';
import { judge } from './verdict.ts';
import { World } from './world.ts';

const maxSteps = 60_000;
const fates: readonly Exclude<Fate, 'runs'>[] = ['diesBefore', 'diesAfter', 'failsBefore', 'failsAfter'];

/** One run from its first record to the judgement. The same scenario is the same run. */
export async function runState(scenario: Scenario, subjectOf?: (world: World) => Subject): Promise<Outcome> {
  const world = new World(scenario, subjectOf);
  const { run } = world;
  new Nature(world).start();
  try {
    await run.scheduler.run(maxSteps);
    await judge(world);
  } catch (error) {
    run.violate('end', error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  return { figures: { ...run.figures }, violations: run.violations, trace: run.scheduler.trace };
}

/** The state library around a small exact state. */
export const stateSimulation = simulationOf((scenario) => runState(scenario));

/**
 * The same around the fraud detector's own state. Nothing is trimmed: what alerts that are marked as incomplete may lack is not the
 * oracle's to say.
 */
export const fraudSimulation = simulationOf((scenario) => runState({ ...scenario, trims: 0 }, (world) => new FraudSubject(world)));

function simulationOf(run: (scenario: Scenario) => Promise<Outcome>): Simulation {
  return {
    run: (seed) => run(scenarioOf(seed)),
    async *eachCall(step) {
      const { figures } = await run(plainScenario);
      for (let at = 1; at <= (figures['calls'] ?? 0); at += step) {
        for (const fate of step === 1 ? fates : fates.slice(at % fates.length).slice(0, 1)) {
          yield { script: `call ${at} ${fate}`, outcome: await run({ ...plainScenario, script: { at, fate } }) };
        }
      }
    },
    close: async () => {},
  };
}
