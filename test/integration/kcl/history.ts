import { type Delivery, deliveryOf, type Entry } from './evidence.ts';

/** What is wrong with a run's deliveries, in words; empty when each of the records 0 to `put` - 1 came once, in order per key. */
export function faultsOf(deliveries: readonly Delivery[], put: number): string[] {
  const faults: string[] = [];
  const seen = new Map<number, Delivery>();
  const newest = new Map<string, number>();
  for (const delivery of deliveries) {
    const { n, key, shard, pid } = delivery;
    const before = seen.get(n);
    if (before !== undefined) faults.push(`${n} came twice: of ${before.shard} to ${before.pid}, and of ${shard} to ${pid}`);
    else if (n < (newest.get(key) ?? -1)) faults.push(`${key}: ${n} came after ${newest.get(key)}`);
    seen.set(n, delivery);
    newest.set(key, Math.max(n, newest.get(key) ?? -1));
  }
  for (let n = 0; n < put; n++) if (!seen.has(n)) faults.push(`${n} never came`);
  for (const n of seen.keys()) if (!(n >= 0 && n < put)) faults.push(`${n} was never put`);
  return faults;
}

/**
 * What is wrong with a run in which records may come again, in words: each must have come, first deliveries in order per key;
 * again only what was not checkpointed; and each process its shard in order.
 */
export function replayFaultsOf(entries: readonly Entry[], put: number): string[] {
  const faults: string[] = [];
  const first: Delivery[] = [];
  const seen = new Set<string>();
  const checkpoints = new Map<string, string>();
  const read = new Map<number, string>();
  for (const entry of entries) {
    const { event, shard, pid, position = '' } = entry;
    if (event === 'checkpointed') checkpoints.set(shard, position);
    if (event !== 'record') continue;
    if (position <= (checkpoints.get(shard) ?? '')) faults.push(`${shard}: ${entry.value} came after it was checkpointed`);
    if (position <= (read.get(pid) ?? '')) faults.push(`${shard}: ${entry.value} came out of order to process ${pid}`);
    read.set(pid, position);
    if (!seen.has(`${shard}/${position}`)) first.push(deliveryOf(entry));
    seen.add(`${shard}/${position}`);
  }
  return [...faults, ...faultsOf(first, put)];
}

/** How many records have come. */
export const distinct = (deliveries: readonly Delivery[]): number => new Set(deliveries.map(({ n }) => n)).size;

/** How many deliveries repeat an earlier one. */
export const repeated = (deliveries: readonly Delivery[]): number => deliveries.length - distinct(deliveries);
