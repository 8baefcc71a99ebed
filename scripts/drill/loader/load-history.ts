import { isAfter, type Position } from '../../../services/lib/kcl/position.ts';
import { type Percentiles, percentiles } from '../../judge/latency.ts';

/** A file as it became visible in the warehouse. Times are epoch ms. */
export interface LoadedFile {
  readonly shardId: string;
  readonly loadedAt: number;
  /** When Kinesis took the oldest and the newest of its events that were new. */
  readonly oldestArrival: number;
  readonly newestArrival: number;
}

/** What was seen of the registry's heads and of the warehouse, look by look. */
export class LoadHistory {
  readonly #moves = new Map<string, number[]>();
  readonly #files = new Map<string, LoadedFile[]>();
  #heads: ReadonlyMap<string, Position> = new Map();
  #watermarks: ReadonlyMap<string, Position> = new Map();

  get heads(): ReadonlyMap<string, Position> {
    return this.#heads;
  }

  sawHeads(heads: ReadonlyMap<string, Position>, at: number): void {
    for (const [shardId, head] of heads) {
      if (this.#heads.get(shardId) === head) continue;
      const moves = this.#moves.get(shardId) ?? [];
      moves.push(at);
      this.#moves.set(shardId, moves);
    }
    this.#heads = heads;
  }

  sawWarehouse(watermarks: ReadonlyMap<string, Position>, files: readonly LoadedFile[]): void {
    this.#watermarks = watermarks;
    for (const file of files) this.#files.set(file.shardId, [...(this.#files.get(file.shardId) ?? []), file]);
  }

  /** The longest that the head of one of the shards stood still between two moments, ms. */
  longestPause(shardIds: readonly string[], from: number, to: number): number {
    const pauses = shardIds.flatMap((shardId) => {
      const within = (this.#moves.get(shardId) ?? []).filter((at) => at > from && at < to);
      return [from, ...within].map((at, i) => (within[i] ?? to) - at);
    });
    return Math.max(0, ...pauses);
  }

  /** Shards that are not committed up to these heads. */
  uncommitted(heads: ReadonlyMap<string, Position>): string[] {
    return [...heads]
      .filter(([shardId, head]) => isAfter(head, this.#watermarks.get(shardId) ?? ('' as Position)))
      .map(([shardId]) => shardId);
  }

  /** When the first file with an event that came after `since` was visible; undefined: none yet. */
  firstAfter(shardId: string, since: number): number | undefined {
    return this.#files.get(shardId)?.find(({ newestArrival }) => newestArrival > since)?.loadedAt;
  }

  /** How old the oldest event of the newest file was when it became visible, ms; undefined: no file. */
  lastFreshness(shardId: string): number | undefined {
    const last = this.#files.get(shardId)?.at(-1);
    return last === undefined ? undefined : last.loadedAt - last.oldestArrival;
  }

  /** Of the oldest event of each file that was visible between two moments. */
  freshness(from: number, to: number): Percentiles {
    const files = [...this.#files.values()].flat().filter(({ loadedAt }) => loadedAt >= from && loadedAt < to);
    return percentiles(files.map(({ loadedAt, oldestArrival }) => loadedAt - oldestArrival));
  }
}
