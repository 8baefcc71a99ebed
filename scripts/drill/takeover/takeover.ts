import { setTimeout as sleep } from 'node:timers/promises';
import { listShards, type Shard } from '../../../services/lib/kcl/shards.ts';
import { lagsOf } from '../../demo/readiness.ts';
import type { ServiceProcess } from '../../demo/service-process.ts';
import type { AlertEvidence } from '../alert-evidence.ts';
import type { Session } from '../session.ts';

const pollMs = 100;
const balanceDeadlineMs = 180_000;
const takeoverDeadlineMs = 180_000;

export interface Takeover {
  readonly shards: readonly string[];
  /** From the kill, ms, until the survivor was seen to have taken a batch of each of them (its figures are a second old at most). */
  readonly readMs: number;
  /** From the kill, ms, until an alert had come from each of them that was raised by a record sent after it. */
  readonly alertMs: number;
}

async function shardsOf(task: ServiceProcess): Promise<ReadonlySet<string>> {
  const lags = await lagsOf(task);
  return new Set(typeof lags === 'string' ? [] : lags.keys());
}

/** Waits until two tasks share the shards evenly. Rejects when they do not in time. */
export async function untilBalanced(
  { system, signal }: Pick<Session, 'system' | 'signal'>,
  tasks: readonly [ServiceProcess, ServiceProcess],
): Promise<void> {
  const shards = await openShards(system.kinesis);
  const deadline = performance.now() + balanceDeadlineMs;
  for (;;) {
    const [a, b] = await Promise.all([shardsOf(tasks[0]), shardsOf(tasks[1])]);
    const covered = shards.every(({ shardId }) => a.has(shardId) || b.has(shardId));
    if (covered && a.size + b.size === shards.length && Math.abs(a.size - b.size) <= 1) return;
    if (performance.now() > deadline)
      throw new Error(`after ${balanceDeadlineMs / 1_000} s the tasks read ${a.size} and ${b.size} of ${shards.length} shards`);
    await sleep(pollMs, undefined, { signal });
  }
}

/** kill -9 of one task; resolves when the other has all of its shards. Rejects when it has not in time. */
export async function takeOver(
  { system, signal }: Pick<Session, 'system' | 'signal'>,
  { victim, survivor }: { readonly victim: ServiceProcess; readonly survivor: ServiceProcess },
  evidence: AlertEvidence,
): Promise<Takeover> {
  const lost = await shardsOf(victim);
  const shards = (await openShards(system.kinesis)).filter(({ shardId }) => lost.has(shardId));
  const at = Date.now();
  await victim.kill();
  const deadline = performance.now() + takeoverDeadlineMs;
  let readAt: number | undefined;
  for (;;) {
    const read = await shardsOf(survivor);
    evidence.look(system.stack.caught());
    if (shards.every(({ shardId }) => read.has(shardId))) readAt ??= Date.now();
    const firsts = shards.map(({ range }) => evidence.firstAfter(at, range));
    if (readAt !== undefined && firsts.every((first) => first !== undefined)) {
      return { shards: shards.map(({ shardId }) => shardId), readMs: readAt - at, alertMs: Math.max(...firsts) - at };
    }
    if (performance.now() > deadline) throw new Error(`after ${takeoverDeadlineMs / 1_000} s the survivor reads ${[...read].join(', ')}`);
    await sleep(pollMs, undefined, { signal });
  }
}

const openShards = async (kinesis: Session['system']['kinesis']): Promise<Shard[]> =>
  (await listShards(kinesis, 'booking-events')).filter(({ closed }) => !closed);
