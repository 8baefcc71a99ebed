import { setTimeout as sleep } from 'node:timers/promises';
import { eventRouter } from '../../services/event-router/service.ts';
import { fraudDetector } from '../../services/fraud-detector/service.ts';
import { shardEnd } from '../../services/lib/kcl/position.ts';
import { listShards } from '../../services/lib/kcl/shards.ts';
import { awaitStream } from '../../services/lib/kcl/stream.ts';
import { isPlatformError } from '../../services/lib/process/errors.ts';
import { readPositions, stateTableDefinition } from '../../services/lib/state/dynamo-state-table.ts';
import type { SentRecord } from '../generate/send-log.ts';
import { type RoutedStream, readAlerts, readRouted, readSource } from '../judge/collect.ts';
import type { SourceRecord } from '../judge/evidence.ts';
import { behind, forgottenShards, headsOf, type Reached, readCheckpoints, readLoaded, readLoadedAlerts } from '../judge/progress.ts';
import type { LocalSystem } from './local-system.ts';
import { consumersNotReading } from './readiness.ts';

const pollMs = 500;
const answerMs = 10_000;
const changes = 'booking-changes';
const events = 'booking-events';
const alertsTable = 'fraud-alerts';

export interface Settled {
  readonly source: readonly SourceRecord[];
  readonly routed: RoutedStream;
  /** What was not finished when the deadline passed. */
  readonly unfinished: readonly string[];
}

/**
 * Waits until every consumer reads again after what was done to it, and then until each is beyond the last record: by KCL's
 * checkpoints, the detector's snapshots, the alerts left to publish and the warehouse's own watermarks. Reads both streams back as soon as nothing can be
 * added to them.
 */
export async function settle(system: LocalSystem, log: readonly SentRecord[], deadlineMs: number, signal: AbortSignal): Promise<Settled> {
  const deadline = performance.now() + deadlineMs;
  const { kinesis } = system;
  // A consumer that was killed at the very end must come back too: what it then does a second time belongs to the evidence.
  const absent = await waitFor(() => consumersNotReading(system), deadline, signal);
  const router = await waitFor(() => routerIsBehind(system, log), deadline, signal);
  const [source, routed] = await Promise.all([
    readSource({ kinesis, streamName: changes, signal }),
    readRouted({ kinesis, streamName: events, signal }),
  ]);
  const [detector, loader] = await Promise.all([
    waitFor(() => detectorIsBehind(system, routed.heads), deadline, signal),
    waitFor(() => loaderIsBehind(system, routed.heads), deadline, signal),
  ]);
  const alerts = await waitFor(() => alertsAreBehind(system), deadline, signal);
  // Nothing is published any more, if the detector is done.
  const guard = await waitFor(async () => guardIsBehind(system), deadline, signal);
  return { source, routed, unfinished: [...absent, ...router, ...detector, ...loader, ...alerts, ...guard] };
}

/** What is still behind when `deadline` passes; nothing when all is done before. */
async function waitFor(check: () => Promise<readonly string[]>, deadline: number, signal: AbortSignal): Promise<readonly string[]> {
  for (;;) {
    signal.throwIfAborted();
    const left = await check().catch(laterOrNever);
    if (left.length === 0 || performance.now() > deadline) return left;
    await sleep(pollMs, undefined, { signal });
  }
}

/** What is only busy, as a warehouse in the middle of a load, is asked again. */
function laterOrNever(error: unknown): readonly string[] {
  if (isPlatformError(error) && error.retriable) return [error.message];
  throw error;
}

async function routerIsBehind(system: LocalSystem, log: readonly SentRecord[]): Promise<string[]> {
  const reached = await checkpointsOf(system, eventRouter.consumes?.application ?? '', changes);
  return behind(headsOf(log, changes), reached, 'sequence').map((shard) => `event-router has not finished ${shard}`);
}

async function detectorIsBehind(system: LocalSystem, heads: Reached): Promise<string[]> {
  // Its snapshots, not KCL's checkpoint: that stays at the one before, on purpose.
  const scope = { application: fraudDetector.consumes?.application ?? '', streamId: await awaitStream(system.kinesis, events, answerMs) };
  const reached = await readPositions(system.dynamo, stateTableDefinition.name, scope);
  const { pending } = await readAlerts(system.dynamo, alertsTable);
  return [
    ...behind(heads, reached, 'position').map((shard) => `fraud-detector has not finished ${shard}`),
    ...(pending > 0 ? [`${pending} alerts are stored and not published`] : []),
  ];
}

function guardIsBehind({ guard }: LocalSystem): string[] {
  const left = guard.underWay();
  return left > 0 ? [`account-guard has not finished ${left} alerts`] : [];
}

async function loaderIsBehind(system: LocalSystem, heads: Reached): Promise<string[]> {
  const loaded = await readLoaded(system.warehouse);
  return behind(heads, loaded, 'position').map((shard) => `redshift-loader has not committed ${shard}`);
}

async function alertsAreBehind(system: LocalSystem): Promise<string[]> {
  const { alerts: stored } = await readAlerts(system.dynamo, alertsTable);
  const loaded = await readLoadedAlerts(system.warehouse);
  const missing = stored.length - loaded.alerts;
  return missing > 0 || loaded.open > 0 ? [`redshift-loader has not loaded ${missing} alerts, nor what became of ${loaded.open}`] : [];
}

async function checkpointsOf(system: LocalSystem, application: string, stream: string): Promise<Reached> {
  const [reached, shards] = await Promise.all([readCheckpoints(system.dynamo, application), listShards(system.kinesis, stream)]);
  return new Map([...reached, ...forgottenShards(shards, reached).map((shardId) => [shardId, shardEnd] as const)]);
}
