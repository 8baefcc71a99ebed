import { setTimeout as sleep } from 'node:timers/promises';
import { UpdateShardCountCommand, waitUntilStreamExists } from '@aws-sdk/client-kinesis';
import type { ServiceName } from '../demo/flags.ts';
import type { LocalSystem } from '../demo/local-system.ts';
import { killAll } from '../demo/process-tree.ts';
import type { ServiceProcess } from '../demo/service-process.ts';
import type { Random } from '../generate/random.ts';
import type { Phase } from './campaign.ts';
import type { ReshardFault } from './fault-list.ts';

const streamDeadlineS = 60;

/** What any consumer must survive. */
export type ProcessFault = 'child' | 'jvm' | 'task' | 'term';

/** A process that is to be killed is not there: the last recovery was not what it seemed. */
class NobodyThere extends Error {
  override readonly name = 'NobodyThere';
}

export function processPhase(kind: ProcessFault, service: ServiceProcess, random: Random): Phase {
  switch (kind) {
    case 'child':
      return { name: 'kill -9 of a child', act: () => killed(() => killAll([random.pick(some(service.parts.children, 'child'))])) };
    case 'jvm':
      return { name: 'kill -9 of the JVM', act: () => killed(() => killAll(some([service.parts.jvm].filter(isPid), 'JVM'))) };
    case 'task':
      return { name: 'kill -9 of the task', act: () => killed(() => service.kill(), service) };
    case 'term':
      return { name: 'SIGTERM, start again', act: () => killed(() => service.stop(), service) };
  }
}

export const reshardPhase = ({ kinesis }: Pick<LocalSystem, 'kinesis'>, { from, to }: ReshardFault): Phase => ({
  name: `booking-events ${from} → ${to} shards`,
  async act() {
    const at = Date.now();
    const StreamName = 'booking-events';
    await kinesis.send(new UpdateShardCountCommand({ StreamName, TargetShardCount: to, ScalingType: 'UNIFORM_SCALING' }));
    await waitUntilStreamExists({ client: kinesis, maxWaitTime: streamDeadlineS, minDelay: 0.1, maxDelay: 0.5 }, { StreamName });
    return at;
  },
});

/**
 * A machine that hangs past its leases and comes back, believing that it owns them. `stop` pauses it at a moment that matters, and
 * resolves to that, epoch ms.
 */
export function zombiePhases(
  system: LocalSystem,
  name: ServiceName,
  stopping: string,
  stop: (task: ServiceProcess) => Promise<number>,
): Phase[] {
  const first = system.services[name];
  let second: ServiceProcess | undefined;
  return [
    {
      name: stopping,
      act: async () => {
        const at = await stop(first);
        second = system.addTask(name);
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

/** Counts from the blow; `restart`: the service it fell. */
export async function killed(blow: () => Promise<void>, restart?: ServiceProcess): Promise<number> {
  const at = Date.now();
  await blow();
  await restart?.start();
  return at;
}

/** Counts from its end. */
export async function outage(
  { outageMs, signal }: { readonly outageMs: number; readonly signal: AbortSignal },
  what: { begin(): void | Promise<void>; end(): void | Promise<void> },
): Promise<number> {
  await what.begin();
  try {
    await sleep(outageMs, undefined, { signal });
  } finally {
    await what.end();
  }
  return Date.now();
}

const isPid = (pid: number | undefined): pid is number => pid !== undefined;

function some(pids: readonly number[], what: string): readonly number[] {
  if (pids.length === 0) throw new NobodyThere(`there is no ${what} to kill`);
  return pids;
}
