import { setTimeout as sleep } from 'node:timers/promises';
import { listShards } from '../../../services/lib/kcl/shards.ts';
import { consumersNotReading } from '../../demo/readiness.ts';
import { NotRecovered, type Recovery } from '../campaign.ts';
import type { Session } from '../session.ts';
import type { LoadHistory } from './load-history.ts';

const pollMs = 250;
/** A goal of the loader in the demo's settings: event to queryable within 15 s (p95); here of the oldest event of each file. */
export const freshMs = 15_000;

/**
 * Waits until a fault that was over at `since` is recovered from: every consumer reads every open shard without a lag; what was registered
 * by then is committed; of every open shard events that came after the fault are in the warehouse, and its newest file was fresh.
 * Rejects with NotRecovered, which says what was missing.
 */
export async function untilLoaded(
  { system, signal }: Pick<Session, 'system' | 'signal'>,
  history: LoadHistory,
  { since, deadlineMs, onLook }: { readonly since: number; readonly deadlineMs: number; readonly onLook: () => Promise<void> },
): Promise<Recovery> {
  const deadline = performance.now() + deadlineMs;
  const registered = history.heads;
  for (;;) {
    await onLook();
    const open = (await listShards(system.kinesis, 'booking-events')).filter(({ closed }) => !closed);
    const firsts = open.map(({ shardId }) => ({ shardId, at: history.firstAfter(shardId, since) }));
    const missing = [
      ...(await consumersNotReading(system, 0)),
      ...history.uncommitted(registered).map((shardId) => `${shardId} is not committed`),
      ...firsts.flatMap(({ shardId, at }) => (at === undefined ? `no newer events of ${shardId} in the warehouse` : [])),
      ...open.flatMap(({ shardId }) => {
        const age = history.lastFreshness(shardId) ?? 0;
        return age > freshMs ? `${shardId} was ${age} ms old when it was loaded` : [];
      }),
    ];
    if (missing.length === 0) return { resumedAt: Math.max(...firsts.map(({ at = 0 }) => at)), recoveredAt: Date.now() };
    if (performance.now() > deadline) throw new NotRecovered(`not recovered after ${deadlineMs / 1_000} s: ${missing.join(', ')}`);
    await sleep(pollMs, undefined, { signal });
  }
}
