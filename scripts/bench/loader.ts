import { loadConfig } from '../../services/lib/process/config.ts';
import type { Database } from '../../services/lib/warehouse/database.ts';
import { redshiftLoader } from '../../services/redshift-loader/service.ts';
import { preset } from '../cli/flags.ts';
import { parseInteger } from '../cli/values.ts';
import { type Bench, type Figure, median } from './harness/bench.ts';
import { bareCopy } from './loader/bare-copy.ts';
import { modelledFreshness } from './loader/freshness.ts';
import { type Load, loadOnce } from './loader/pipeline.ts';
import { type Place, withPlace } from './loader/place.ts';
import { askReports, fill } from './loader/reports.ts';
import { stagingProgram } from './loader/staging.ts';
import { shares, sumOf } from './loader/steps.ts';

const shards = 4;
const warmUpEvents = 20_000;
const bareCopies = 5;
/** Of a bare COPY's speed. */
const ratioBar = 0.25;
const smallMillions = 1;
const largeMillions = 5;
/** Reports over five times the events may take this much more. */
const flatBar = 1.2;
/** A load transaction of a warehouse at ease, and one that a small Redshift holds for long. */
const modelledCommitsMs = [2_000, 8_000];
const lookMs = 1_000;

const flags = {
  events: preset('N', 'events of the measured load', '200000', parseInteger(1_000, 5_000_000)),
} as const;

export const bench: Bench<typeof flags> = {
  flags,
  summary: 'the loader on a real PostgreSQL: records to committed rows beside a bare COPY of the same bytes; reports at 1 M and 5 M events',
  run(report, signal, { events }) {
    process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
    return withPlace((place) => figures(place, events, report, signal));
  },
};

async function figures(place: Place, events: number, report: (line: string) => void, signal: AbortSignal): Promise<readonly Figure[]> {
  const warehouse = await place.warehouse('load');
  const parts = { stack: place.stack, program: await stagingProgram(place.folder), warehouse };
  report(`warming up with ${warmUpEvents.toLocaleString('en-US')} events`);
  await loadOnce(parts, { seed: 1_000, shards, eventsPerShard: warmUpEvents / shards }, signal);
  report(`loading ${events.toLocaleString('en-US')} events of ${shards} shards`);
  const load = await loadOnce(parts, { seed: 2_000, shards, eventsPerShard: Math.ceil(events / shards) }, signal);
  report('the same bytes by a bare COPY');
  const bare: { readonly plain: number; readonly indexed: number }[] = [];
  for (let i = 0; i < bareCopies; i++) {
    const plain = await bareCopy(warehouse, load.csvs, { indexes: false });
    bare.push({ plain, indexed: await bareCopy(warehouse, load.csvs, { indexes: true }) });
  }
  const bareMs = { plain: median(bare.map(({ plain }) => plain)), indexed: median(bare.map(({ indexed }) => indexed)) };
  return [...loadFigures(load, bareMs), ...(await reportFigures(place, report)), ...freshnessFigures()];
}

function loadFigures(load: Load, bareMs: { readonly plain: number; readonly indexed: number }): Figure[] {
  const perSecond = (ms: number): number => (load.events / ms) * 1_000;
  const all = [load.staging.times, load.committing];
  return [
    { name: 'eventsPerSecond', label: 'records to committed rows', value: perSecond(load.wallMs), unit: 'events/s' },
    { name: 'bareCopyPerSecond', label: 'bare COPY of the same bytes', value: perSecond(bareMs.plain), unit: 'events/s' },
    { name: 'ratio', label: 'of a bare COPY', value: bareMs.plain / load.wallMs, unit: 'x', atLeast: ratioBar },
    {
      name: 'ratioIndexed',
      label: 'of one into a table with the indexes of booking_event',
      value: bareMs.indexed / load.wallMs,
      unit: 'x',
    },
    { name: 'stagedPerSecond', label: 'the shards alone, one process', value: perSecond(load.staging.wallMs), unit: 'events/s' },
    { name: 'committedPerSecond', label: 'the committer alone', value: perSecond(sumOf(load.committing)), unit: 'events/s' },
    { name: 'commits', label: 'load transactions', value: load.commits, unit: '' },
    ...shares(all).map(({ step, share }) => ({
      name: `share ${step}`,
      label: `share of ${step}`,
      value: share * 100,
      unit: '%',
    })),
  ];
}

async function reportFigures(place: Place, report: (line: string) => void): Promise<Figure[]> {
  const filled = async (millions: number): Promise<Database> => {
    report(`a warehouse of ${millions} M events`);
    const database = await place.warehouse(`reports_${millions}`);
    await fill(database, millions * 1e6);
    return database;
  };
  const [small, large] = [await filled(smallMillions), await filled(largeMillions)];
  report('reports, of both in turn');
  return Object.entries(await askReports(small, large)).flatMap(([name, times]): Figure[] => [
    { name: `${name} ms`, label: `report ${name}, ${largeMillions} M events`, value: times.large, unit: 'ms' },
    { name: `${name} growth`, label: `  beside ${smallMillions} M events`, value: times.growth, unit: 'x', atMost: flatBar },
  ]);
}

/** Arithmetic, not a measurement: how fresh rows are in a stage, by its settings. */
function freshnessFigures(): Figure[] {
  const config = loadConfig(redshiftLoader.config, {
    AWS_REGION: 'us-east-1',
    OBJECTS_URL: 's3://bucket',
    WAREHOUSE_URL: 'redshift://user@host/db',
  });
  const settings = {
    readMs: redshiftLoader.consumes?.idleTimeBetweenReadsMs ?? 0,
    flushMs: config.FLUSH_AGE_MS,
    commitIntervalMs: config.COMMIT_INTERVAL_MS,
    lookMs,
  };
  return modelledCommitsMs.flatMap((commitMs): Figure[] => {
    const { worstMs, p95Ms } = modelledFreshness({ ...settings, commitMs });
    const seconds = commitMs / 1_000;
    return [
      {
        name: `modelledP95Of${seconds}`,
        label: `freshness in a stage, modelled, commits of ${seconds} s: p95`,
        value: p95Ms / 1_000,
        unit: 's',
      },
      { name: `modelledWorstOf${seconds}`, label: '  worst', value: worstMs / 1_000, unit: 's' },
    ];
  });
}
