import { setTimeout as sleep } from 'node:timers/promises';
import { UpdateShardCountCommand, waitUntilStreamExists } from '@aws-sdk/client-kinesis';
import type { LocalSystem } from '../../demo/local-system.ts';
import { killAll } from '../../demo/process-tree.ts';
import type { ServiceProcess } from '../../demo/service-process.ts';
import type { Random } from '../../generate/random.ts';
import type { DynamoProxy } from '../../local/faults/dynamodb-proxy.ts';
import type { ObjectOutage } from '../../local/faults/object-outage.ts';
import { tableFaultKinds } from '../../local/faults/table-faults.ts';
import type { Fault } from './faults.ts';
import type { Poison } from './poison.ts';
import { publishNewRules, publishNoRules } from './reload.ts';

const streamDeadlineS = 60;
const strikePollMs = 5;

/** One step of a fault, recovered from before the next. */
export interface Phase {
  readonly name: string;
  /** Does it, and resolves when it is over with the moment its recovery counts from, epoch ms. */
  readonly act: () => Promise<number>;
}

export interface Tools {
  readonly system: LocalSystem;
  readonly dynamo: DynamoProxy;
  /** Of every service. */
  readonly objects: ObjectOutage;
  /** The same objects, as the detector alone sees them. */
  readonly snapshots: ObjectOutage;
  /** How long a store is away. */
  readonly outageMs: number;
  readonly poison: Poison;
  readonly random: Random;
  readonly signal: AbortSignal;
}

/** A process that is to be killed is not there: the last recovery was not what it seemed. */
class NobodyThere extends Error {
  override readonly name = 'NobodyThere';
}

export function phasesOf(fault: Fault, tools: Tools): Phase[] {
  const { system, dynamo, objects, snapshots } = tools;
  const detector = system.services['fraud-detector'];
  switch (fault.kind) {
    case 'child':
      return [
        { name: 'kill -9 of a child', act: () => killed(() => killAll([tools.random.pick(some(detector.parts.children, 'child'))])) },
      ];
    case 'jvm':
      return [{ name: 'kill -9 of the JVM', act: () => killed(() => killAll(some([detector.parts.jvm].filter(isPid), 'JVM'))) }];
    case 'task':
      return [{ name: 'kill -9 of the task', act: () => killed(() => detector.kill(), detector) }];
    case 'term':
      return [{ name: 'SIGTERM, start again', act: () => killed(() => detector.stop(), detector) }];
    case 'reshard':
      return [{ name: `booking-events ${fault.from} → ${fault.to} shards`, act: () => reshard(system, fault.to) }];
    case 'alert-store':
      return [
        {
          name: `alerts table fails for ${tools.outageMs / 1_000} s`,
          act: () =>
            outage(tools, {
              begin: () => dynamo.fail({ table: 'fraud-alerts', kinds: tableFaultKinds }),
              end: () => dynamo.fail(undefined),
            }),
        },
      ];
    case 'object-store':
      return [{ name: `object store away for ${tools.outageMs / 1_000} s`, act: () => outage(tools, objects) }];
    case 'snapshot-store':
      return [{ name: `object store away from the detector for ${tools.outageMs / 1_000} s`, act: () => outage(tools, snapshots) }];
    case 'zombie':
      return zombie(tools, detector);
    case 'poison':
      return [{ name: 'a record kills who applies it', act: () => tools.poison.strike(system.objects, tools.signal) }];
    case 'reload':
      return [
        { name: 'new rules are published', act: () => publishNewRules(tools) },
        { name: 'what is no rules file is published', act: () => publishNoRules(tools) },
      ];
  }
}

/** Counts from the blow; `restart`: the service it fell. */
async function killed(blow: () => Promise<void>, restart?: ServiceProcess): Promise<number> {
  const at = Date.now();
  await blow();
  await restart?.start();
  return at;
}

async function reshard({ kinesis }: LocalSystem, to: number): Promise<number> {
  const at = Date.now();
  const StreamName = 'booking-events';
  await kinesis.send(new UpdateShardCountCommand({ StreamName, TargetShardCount: to, ScalingType: 'UNIFORM_SCALING' }));
  await waitUntilStreamExists({ client: kinesis, maxWaitTime: streamDeadlineS, minDelay: 0.1, maxDelay: 0.5 }, { StreamName });
  return at;
}

/** Counts from its end. */
async function outage({ outageMs, signal }: Tools, what: { begin(): void; end(): void }): Promise<number> {
  what.begin();
  try {
    await sleep(outageMs, undefined, { signal });
  } finally {
    what.end();
  }
  return Date.now();
}

/**
 * A machine that hangs past its leases and comes back, believing that it owns them. It is stopped while it tries to store an alert,
 * so that it comes back with a write that must be refused.
 */
function zombie({ system, dynamo, signal }: Tools, first: ServiceProcess): Phase[] {
  let second: ServiceProcess | undefined;
  return [
    {
      name: 'SIGSTOP, a second task takes over',
      act: async () => {
        dynamo.fail({ table: 'fraud-alerts', kinds: ['error'] });
        while (dynamo.struck === 0) await sleep(strikePollMs, undefined, { signal });
        const at = Date.now();
        first.pause();
        dynamo.fail(undefined);
        second = system.addTask('fraud-detector');
        await second.start();
        return at;
      },
    },
    {
      name: 'SIGCONT, the zombie goes on',
      act: async () => {
        first.resume();
        return Date.now();
      },
    },
    { name: 'the second task stops', act: () => killed(async () => second?.stop()) },
  ];
}

const isPid = (pid: number | undefined): pid is number => pid !== undefined;

function some(pids: readonly number[], what: string): readonly number[] {
  if (pids.length === 0) throw new NobodyThere(`there is no ${what} to kill`);
  return pids;
}
