import assert from 'node:assert/strict';
import type { PGlite } from '@electric-sql/pglite';
import type { Database } from '../../../services/lib/warehouse/database.ts';
import { openPGliteWarehouse } from '../../support/pglite-warehouse.ts';
import type { Fate } from '../scheduler.ts';
import type { Outcome, Simulation, Violation } from '../simulation.ts';
import { check } from './rules.ts';
import { plainScenario, type Scenario, scenarioOf } from './scenario.ts';
import { World } from './world.ts';

const fates: readonly Exclude<Fate, 'runs'>[] = ['diesBefore', 'diesAfter', 'failsBefore', 'failsAfter'];

/** One warehouse, emptied after each run. */
export async function openLoader(): Promise<{ runScenario: (scenario: Scenario) => Promise<Outcome>; close: () => Promise<void> }> {
  const { db, database } = await openPGliteWarehouse();
  return { runScenario: (scenario) => runLoader(db, database, scenario), close: () => db.close() };
}

/** The loader's shards and committers, what damages their files, what repairs them, and the lake, around one warehouse. */
export async function openLoaderSimulation(): Promise<Simulation> {
  const { runScenario, close } = await openLoader();
  return {
    run: (seed) => runScenario(scenarioOf(seed)),
    async *eachCall(step) {
      const { figures } = await runScenario(plainScenario);
      for (let at = 1; at <= (figures['calls'] ?? 0); at += step) {
        for (const fate of step === 1 ? fates : fates.slice(at % fates.length).slice(0, 1)) {
          yield { script: `call ${at} ${fate}`, outcome: await runScenario({ ...plainScenario, script: { at, fate } }) };
        }
      }
    },
    close,
  };
}

async function runLoader(db: PGlite, database: Database, scenario: Scenario): Promise<Outcome> {
  const world = new World(scenario, database);
  const violations: Violation[] = [];
  try {
    await world.run();
    await check(db, database, world);
  } catch (error) {
    const rule = error instanceof assert.AssertionError ? 'judgement' : 'end';
    violations.push({ rule, what: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  } finally {
    await db.exec('TRUNCATE booking_event, booking, kpi_hourly, dim_tour, quarantine, load_ledger, load_watermark');
  }
  return { figures: figuresOf(world), violations: [...world.durable.violations, ...violations], trace: world.scheduler.trace };
}

function figuresOf({ figures, metrics, streams }: World): Record<string, number> {
  const told: Record<string, number> = { ...figures, refused: streams.refused.length };
  for (const name of ['commits', 'rows_quarantined', 'files_removed', 'orphans_removed']) told[name] = 0;
  for (const { name, labels, value } of metrics.drain().counters) {
    if (name in told) told[name] = (told[name] ?? 0) + value;
    if (name === 'swap_losses') told[`lost ${labels['reason'] ?? ''}`] = value;
    if (name === 'commits_unanswered') told[`unanswered ${labels['made'] === 'true' ? 'made' : 'not made'}`] = value;
  }
  return told;
}
