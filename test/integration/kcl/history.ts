import type { Delivery } from './evidence.ts';

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

/** The first delivery of each position of each shard: what is left when a reader skips what it has seen. */
export function oncePerPosition(deliveries: readonly Delivery[]): Delivery[] {
  const seen = new Set<string>();
  return deliveries.filter(({ shard, position }) => {
    const place = `${shard}/${position}`;
    if (seen.has(place)) return false;
    seen.add(place);
    return true;
  });
}
