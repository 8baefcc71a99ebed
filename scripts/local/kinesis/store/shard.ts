import type { SlabArena } from './arena.ts';
import type { HashRange } from './hash-ranges.ts';
import { ReadLimit, WriteLimit } from './limits.ts';
import { RecordLog } from './record-log.ts';

export interface ShardBirth {
  readonly index: number;
  readonly range: HashRange;
  /** Parent, then adjacent parent; none for the shards a stream begins with. */
  readonly parents: readonly Shard[];
  readonly startCounter: number;
  readonly startedAtMs: number;
  /** See SequenceNumbers.ofShard. */
  readonly sequenceBase: bigint;
}

export const shardIdOf = (index: number): string => `shardId-${String(index).padStart(12, '0')}`;

export class Shard {
  readonly id: string;
  readonly index: number;
  readonly range: HashRange;
  /** Parent, then adjacent parent: their ids, since a parent is forgotten before its children. */
  readonly parentIds: readonly string[];
  readonly startCounter: number;
  readonly startedAtMs: number;
  readonly sequenceBase: bigint;
  readonly log: RecordLog;
  readonly writeLimit = new WriteLimit();
  readonly readLimit = new ReadLimit();
  readonly children: Shard[] = [];
  /** Told after every append and at the end of the shard, synchronously: they must only take note. */
  readonly watchers = new Set<() => void>();
  #end: { readonly counter: number; readonly atMs: number } | undefined;
  #lastArrivalMs = 0;

  constructor(birth: ShardBirth, arena: SlabArena, horizonMs: () => number) {
    this.id = shardIdOf(birth.index);
    this.index = birth.index;
    this.range = birth.range;
    this.parentIds = birth.parents.map(({ id }) => id);
    this.startCounter = birth.startCounter;
    this.startedAtMs = birth.startedAtMs;
    this.sequenceBase = birth.sequenceBase;
    this.log = new RecordLog(arena, horizonMs);
    for (const parent of birth.parents) parent.children.push(this);
  }

  /** Where a closed shard ended; undefined while it is open. */
  get end(): { readonly counter: number; readonly atMs: number } | undefined {
    return this.#end;
  }

  /** The earliest time at which it can end, whatever the clock does: not before it began, nor before its last record. */
  get earliestEndMs(): number {
    return Math.max(this.startedAtMs, this.#lastArrivalMs);
  }

  /** `atMs` must not precede `earliestEndMs`. */
  close(counter: number, atMs: number): void {
    this.#end = { counter, atMs };
    this.#tell();
  }

  /** Arrival times of a shard never fall, whatever the clock does: AT_TIMESTAMP searches by them. */
  append(counter: number, nowMs: number, key: string, keyBytes: number, data: Buffer, start: number, end: number): void {
    if (nowMs > this.#lastArrivalMs) this.#lastArrivalMs = nowMs;
    this.log.append(counter, this.#lastArrivalMs, key, keyBytes, data, start, end);
    if (this.watchers.size > 0) this.#tell();
  }

  #tell(): void {
    for (const watcher of this.watchers) watcher();
  }
}
