import type { StreamRecord } from '../kcl/processor.ts';
import type { HashRange } from '../kcl/shards.ts';
import type { Fence } from './fence.ts';

/** A state as its snapshot holds it. */
export interface SavedState {
  readonly generation: number;
  /** What the model keeps beside the frames; JSON. */
  readonly meta: unknown;
  readonly frames: AsyncIterable<Uint8Array>;
}

/** A state as it is at the call, to be written: frames are made as they are asked for, and events may be applied between two of them. */
export interface StateToSave {
  readonly generation: number;
  readonly meta: unknown;
  readonly frames: Iterable<Buffer>;
}

/**
 * What a consumer keeps per shard, and how records change it. Pure but for `prepare` and `settle`; which records are applied, when its
 * state is saved and by whom is not its business.
 */
export interface StateModel<State, Effect> {
  /** Of a shard that has no past. */
  fresh(range: HashRange): Promise<State>;
  /** Rejects with SnapshotError when the frames are not what `save` gave. */
  restore(saved: SavedState): Promise<State>;
  /** Reads to the end; rejects like `restore`. */
  check(saved: SavedState): Promise<void>;
  /** Of a child before its first record: what its parents' last states know of the keys in `range`. Rejects like `restore`. */
  inherit(range: HashRange, parents: readonly SavedState[]): Promise<State>;
  save(state: State): StateToSave;
  /** Part of the stream that belongs to the state is gone: results that may lack it are marked. */
  markIncomplete(state: State): void;

  /** Before records are applied, in order: what they may need is fetched. */
  prepare(state: State, records: readonly StreamRecord[]): Promise<void>;
  /** What must happen to the state before this record, if it takes time. */
  before(state: State, record: StreamRecord): Promise<void> | undefined;
  /** A record that is no event changes nothing. If it throws, the state is as it was. */
  apply(state: State, record: StreamRecord): readonly Effect[];
  /** Makes effects durable under the fence; `fenced`: refused, since another owner has taken over. */
  settle(effects: readonly Effect[], fence: Fence): Promise<'done' | 'fenced'>;
  /** After each delivery, empty ones included. */
  tick(state: State): Promise<void>;
}
