import { setTimeout as sleep } from 'node:timers/promises';
import { listShards } from '../../services/lib/kcl/shards.ts';
import type { ServiceName, StreamName } from './flags.ts';
import type { LocalSystem } from './local-system.ts';
import { parseMetrics } from './scrape.ts';
import type { ServiceProcess } from './service-process.ts';

const scrapeTimeoutMs = 2_000;
const readingDeadlineMs = 90_000;
const readingPollMs = 200;

/** Whose shards they read. */
const consumers = [
  ['event-router', 'booking-changes'],
  ['fraud-detector', 'booking-events'],
  ['redshift-loader', 'booking-events'],
] as const satisfies readonly (readonly [ServiceName, StreamName])[];

export type Task = Pick<ServiceProcess, 'id' | 'port'>;

/**
 * How far behind a task is, ms, by shard; a text when it tells nothing. Asks the process that runs now: its gauge of a shard is there
 * once that shard's child has taken a first batch, empty or not.
 */
export async function lagsOf({ id, port }: Task): Promise<ReadonlyMap<string, number> | string> {
  if (port === undefined) return `${id} does not run`;
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(scrapeTimeoutMs) });
    const gauges = parseMetrics(await answer.text()).filter(({ name }) => name === 'millis_behind_latest');
    return new Map(gauges.map(({ labels, value }) => [labels['shard'] ?? '', value]));
  } catch {
    return `${id} does not answer`; // its launcher is still coming up, or busy: the next look sees
  }
}

/** What the tasks of one service together do not read yet of the shards they must; `maxLagMs`: or are further behind. */
export async function notReading(
  tasks: readonly Task[],
  shards: readonly string[],
  maxLagMs: number = Number.POSITIVE_INFINITY,
): Promise<string[]> {
  const answers = await Promise.all(tasks.map(lagsOf));
  const silent = answers.filter((answer) => typeof answer === 'string');
  if (silent.length === tasks.length) return silent;
  const service = tasks[0]?.id ?? '';
  const lagOf = (shard: string): number | undefined => {
    const lags = answers.flatMap((answer) => (typeof answer === 'string' ? [] : (answer.get(shard) ?? [])));
    return lags.length === 0 ? undefined : Math.min(...lags); // while a lease moves, its last owner still shows the past
  };
  return shards.flatMap((shard) => {
    const lag = lagOf(shard);
    if (lag === undefined) return `${service} does not read ${shard}`;
    return lag > maxLagMs ? `${service} is ${lag} ms behind on ${shard}` : [];
  });
}

/** Ids, in order. */
async function openShards({ kinesis }: Pick<LocalSystem, 'kinesis'>, stream: StreamName): Promise<string[]> {
  return (await listShards(kinesis, stream)).filter(({ closed }) => !closed).map(({ shardId }) => shardId);
}

/** What some consumer does not read yet of the open shards that it must, or is further behind on than `maxLagMs`. */
export async function consumersNotReading(system: Pick<LocalSystem, 'kinesis' | 'tasks'>, maxLagMs?: number): Promise<string[]> {
  const left = await Promise.all(
    consumers.map(async ([service, stream]) => notReading(system.tasks(service), await openShards(system, stream), maxLagMs)),
  );
  return left.flat();
}

/** Rejects when it takes too long, with what is missing. */
export async function untilAllRead(system: LocalSystem, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + readingDeadlineMs;
  for (;;) {
    const waiting = await consumersNotReading(system);
    if (waiting.length === 0) return;
    if (performance.now() > deadline)
      throw new Error(`after ${readingDeadlineMs / 1_000} s: ${waiting.join(', ')}; logs: ${system.stack.runDir}/logs`);
    await sleep(readingPollMs, undefined, { signal });
  }
}
