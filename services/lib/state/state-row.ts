import type { Position } from '../kcl/position.ts';
import type { Attempt } from './attempts.ts';

/** A whole snapshot in the object store, read back before anything points at it. Its key follows from the shard, `epoch`, `position` and `generation`. */
export interface SnapshotRef {
  /** Of the owner that wrote it. */
  readonly epoch: number;
  /** All records up to it are in the snapshot; SHARD_END for a final. */
  readonly position: Position;
  /** Of the model that applied them: for the fraud detector the rules generation. */
  readonly generation: number;
  /** Objects it consists of, from 1 on. */
  readonly parts: number;
  /** Compressed, all parts together. */
  readonly bytes: number;
  /** Epoch ms. */
  readonly writtenAt: number;
}

export const isSameSnapshot = (a: SnapshotRef | undefined, b: SnapshotRef | undefined): boolean =>
  a !== undefined && b !== undefined && a.epoch === b.epoch && a.position === b.position && a.generation === b.generation;

/** A record that no replay applies: it killed its process again and again, and lies among the dead letters. */
export interface SkippedRecord {
  readonly position: Position;
  /** Epoch ms. */
  readonly since: number;
}

/** All that is known of a shard's state beside the snapshots themselves. */
export interface StateRow {
  /** Rises with each owner; 0 when there was none yet. */
  readonly epoch: number;
  readonly worker: string;
  readonly current: SnapshotRef | undefined;
  /** The one before: KCL is checkpointed at its position, so that it can take over if `current` is unreadable. */
  readonly previous: SnapshotRef | undefined;
  /** `current` is the shard's last state; never cleared. */
  readonly final: boolean;
  readonly attempt: Attempt | undefined;
  readonly skips: readonly SkippedRecord[];
  /** The snapshots are gone: every child stands on its own. */
  readonly retired: boolean;
  /** For when the stream does not list the shard any more; rows of older builds lack it. */
  readonly parents?: readonly string[];
}

/** What an owner writes at once; what is left out stays, null removes. */
export interface StateChange {
  readonly current?: SnapshotRef;
  readonly previous?: SnapshotRef | null;
  readonly final?: true;
  readonly attempt?: Attempt | null;
  readonly skips?: readonly SkippedRecord[];
  readonly parents?: readonly string[];
}
