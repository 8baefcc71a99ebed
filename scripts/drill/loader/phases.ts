import { setTimeout as sleep } from 'node:timers/promises';
import { listShards } from '../../../services/lib/kcl/shards.ts';
import type { ObjectOutage } from '../../local/faults/object-outage.ts';
import { outage, processPhase, reshardPhase, zombiePhases } from '../blows.ts';
import type { Phase } from '../campaign.ts';
import type { LoaderFault } from './faults.ts';
import { type MissingTools, missingObject } from './missing.ts';
import type { Refused } from './refused.ts';
import { stopWithinLoad } from './stop-within-load.ts';

/** Goal of the loader: an outage of minutes is made up for within this time. */
const freshnessBackMs = 60_000;
/** A head moves whenever a file is staged, every 1.5 s here, and reading pauses for a second between. */
const stallMs = 10_000;
const calmMs = 60_000;

export interface Tools extends MissingTools {
  /** Of every service. */
  readonly objects: ObjectOutage;
  /** How long a store is away. */
  readonly outageMs: { readonly warehouse: number; readonly objects: number };
  readonly refused: Refused;
  /** Something that must not be, though it was recovered from. */
  readonly onFinding: (what: string) => void;
}

export function phasesOf(fault: LoaderFault, tools: Tools): Phase[] {
  const { system, outageMs, signal } = tools;
  switch (fault.kind) {
    case 'child':
    case 'jvm':
    case 'task':
    case 'term':
      return [processPhase(fault.kind, system.services['redshift-loader'], tools.random)];
    case 'reshard':
      return [reshardPhase(system, fault)];
    case 'calm':
      return [calm(tools)];
    case 'warehouse':
      return [warehouseOutage(tools)];
    case 'object-store':
      return [
        {
          name: `object store away for ${outageMs.objects / 1_000} s`,
          act: () => outage({ outageMs: outageMs.objects, signal }, tools.objects),
        },
      ];
    case 'zombie':
      return zombiePhases(system, 'redshift-loader', 'SIGSTOP within a load, a second task takes over', (task) =>
        stopWithinLoad(system, task, signal),
      );
    case 'missing':
      return [{ name: 'a staged object is missing and repaired', act: () => missingObject(tools) }];
    case 'refused':
      return [{ name: 'the warehouse refuses a line', act: () => tools.refused.strike(system.warehouse, signal) }];
  }
}

/** Nothing is done: how fresh rows are. */
function calm({ history, signal, say }: Tools): Phase {
  return {
    name: `nothing, for ${calmMs / 1_000} s`,
    async act() {
      const begun = Date.now();
      await sleep(calmMs, undefined, { signal });
      const { p50, p95 } = history.freshness(begun, Date.now());
      say(`        the oldest event of a file was ${p50} ms old when it was loaded (p50), ${p95} ms (p95)`);
      return Date.now();
    },
  };
}

/** It goes as in a crash, in the middle of whatever it did. No shard may stand still meanwhile. */
function warehouseOutage({ system, history, outageMs, signal, onFinding, say }: Tools): Phase {
  const server = system.stack.postgresServer;
  if (server === undefined) throw new Error('this warehouse cannot be taken away');
  return {
    name: `warehouse away for ${outageMs.warehouse / 1_000} s`,
    recoverWithinMs: freshnessBackMs,
    async act() {
      const open = (await listShards(system.kinesis, 'booking-events')).filter(({ closed }) => !closed).map(({ shardId }) => shardId);
      const begun = Date.now();
      const ended = await outage(
        { outageMs: outageMs.warehouse, signal },
        { begin: () => server.stop('immediate'), end: () => server.start() },
      );
      const pauseMs = history.longestPause(open, begun, ended);
      say(`        meanwhile no head stood still for longer than ${(pauseMs / 1_000).toFixed(1)} s`);
      if (pauseMs > stallMs)
        onFinding(`a shard's head stood still for ${pauseMs} ms while the warehouse was away, more than ${stallMs} ms`);
      return ended;
    },
  };
}
