import type { Fate } from '../scheduler.ts';
import { Nature } from './nature.ts';
import type { Figures, Violation } from './run-context.ts';
import { plainScenario, type Scenario } from './scenario.ts';
import { judge } from './verdict.ts';
import { World } from './world.ts';

const maxSteps = 60_000;

export interface Outcome {
  readonly figures: Figures;
  readonly violations: readonly Violation[];
  /** Call by call. */
  readonly trace: readonly string[];
}

/** One run from its first record to the judgement. The same scenario is the same run. */
export async function runState(scenario: Scenario): Promise<Outcome> {
  const world = new World(scenario);
  const { run } = world;
  new Nature(world).start();
  try {
    await run.scheduler.run(maxSteps);
    await judge(world);
  } catch (error) {
    run.violate('end', error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  return { figures: run.figures, violations: run.violations, trace: run.scheduler.trace };
}

const fates: readonly Exclude<Fate, 'runs'>[] = ['diesBefore', 'diesAfter', 'failsBefore', 'failsAfter'];

/** A run for each call of the plain one, in which that call does not simply run: every `step`-th with one fate in turn; at 1 all with all. */
export async function* eachCall(step: number): AsyncGenerator<{ readonly scenario: Scenario; readonly outcome: Outcome }> {
  const { figures } = await runState(plainScenario);
  for (let at = 1; at <= figures.calls; at += step) {
    const tried = step === 1 ? fates : fates.slice(at % fates.length).slice(0, 1);
    for (const fate of tried) {
      const scenario: Scenario = { ...plainScenario, script: { at, fate } };
      yield { scenario, outcome: await runState(scenario) };
    }
  }
}
