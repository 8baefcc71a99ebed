import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What a process holds, after a full collection. Memory in bytes. */
export interface Footprint {
  readonly heapUsed: number;
  readonly external: number;
  readonly rss: number;
  /** Sockets, timers, servers and requests that libuv holds. */
  readonly handles: number;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

export function footprint(): Footprint {
  collect();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heapUsed, external, rss, handles: process.getActiveResourcesInfo().filter((name) => name !== 'Immediate').length };
}

/** Least-squares slope of `values` over `at`, in units of one over the other. */
export function slope(at: readonly number[], values: readonly number[]): number {
  const mean = (list: readonly number[]) => list.reduce((sum, value) => sum + value, 0) / list.length;
  const [meanAt, meanValue] = [mean(at), mean(values)];
  const moved = at.map((x) => x - meanAt);
  return moved.reduce((sum, x, i) => sum + x * ((values[i] ?? 0) - meanValue), 0) / moved.reduce((sum, x) => sum + x * x, 0);
}
