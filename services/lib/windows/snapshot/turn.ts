import { WindowError } from '../window-error.ts';
import type { SnapshotContent } from './write.ts';

/** Lets one snapshot at a time walk over tables that go on changing: a newer one ends the one before. */
export class SnapshotTurn {
  #taken = 0;

  /**
   * Begins a turn at once. `walk` writes the content; `end` is called when it has ended or is given up, but not by a walk that a newer
   * one has ended: that one throws STATE_INVALID.
   */
  take(walk: SnapshotContent, end: () => void): SnapshotContent {
    const mine = ++this.#taken;
    const isMine = (): boolean => this.#taken === mine;
    return function* (out) {
      try {
        for (const _ of walk(out)) {
          yield;
          if (!isMine()) throw new WindowError('STATE_INVALID', 'a newer snapshot has begun');
        }
      } finally {
        if (isMine()) end();
      }
    };
  }
}
