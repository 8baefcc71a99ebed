import { setTimeout as sleep } from 'node:timers/promises';
import { type KinesisClient, UpdateShardCountCommand, waitUntilStreamExists } from '@aws-sdk/client-kinesis';
import type { Disturbance, ServiceName } from './flags.ts';
import type { ServiceProcess } from './service-process.ts';

export interface Disturbed {
  readonly services: Readonly<Record<ServiceName, ServiceProcess>>;
  readonly kinesis: KinesisClient;
  /** Told when each begins. */
  readonly onStart: (what: string) => void;
}

const describe = (it: Disturbance): string =>
  it.kind === 'reshard' ? `reshard ${it.stream} ${it.from} → ${it.to}` : `${it.kind === 'kill' ? 'kill -9' : 'restart'} ${it.service}`;

/**
 * Does each at its time, those of one service or stream one after the other; resolves when the last is done and
 * everything runs again, rejects when the signal aborts.
 */
export async function disturb(all: readonly Disturbance[], system: Disturbed, signal: AbortSignal): Promise<void> {
  const startedAt = performance.now();
  const targets = new Set(all.map(targetOf));
  await Promise.all(
    [...targets].map(async (target) => {
      for (const it of all.filter((other) => targetOf(other) === target)) {
        await sleep(Math.max(0, it.at - (performance.now() - startedAt)), undefined, { signal });
        system.onStart(describe(it));
        await apply(it, system, signal);
      }
    }),
  );
}

const targetOf = (it: Disturbance): string => (it.kind === 'reshard' ? it.stream : it.service);

async function apply(it: Disturbance, { services, kinesis }: Disturbed, signal: AbortSignal): Promise<void> {
  if (it.kind === 'reshard') {
    await kinesis.send(new UpdateShardCountCommand({ StreamName: it.stream, TargetShardCount: it.to, ScalingType: 'UNIFORM_SCALING' }));
    await waitUntilStreamExists({ client: kinesis, maxWaitTime: 60, minDelay: 0.1, maxDelay: 0.5 }, { StreamName: it.stream });
    return;
  }
  const service = services[it.service];
  await (it.kind === 'kill' ? service.kill() : service.stop());
  signal.throwIfAborted();
  await service.start();
}
