import { WindowError } from '../window-error.ts';

const beforeTheFirst = Buffer.alloc(0);

/** Lets one snapshot at a time walk over tables that go on changing: a newer one ends the one before. */
export class SnapshotTurn {
  #taken = 0;

  /**
   * Begins a turn at once. `end` is called when the frames have ended or are given up, be it before the first, but not for those that a
   * newer turn has ended: they throw STATE_INVALID.
   */
  take(frames: Iterable<Buffer>, end: () => void): Generator<Buffer> {
    const mine = ++this.#taken;
    const isMine = (): boolean => this.#taken === mine;
    const guarded = (function* (): Generator<Buffer> {
      try {
        yield beforeTheFirst;
        for (const frame of frames) {
          yield frame;
          if (!isMine()) throw new WindowError('STATE_INVALID', 'a newer snapshot has begun');
        }
      } finally {
        if (isMine()) end();
      }
    })();
    guarded.next(); // a generator that has not begun would not come to its `finally`
    return guarded;
  }
}
