import type { Plain } from '../plain.ts';
import { checkedWatermark, minTime } from '../time.ts';
import { Floors, type InRange } from './floors.ts';
import { readParts, type SnapshotPart } from './parts.ts';

/** How far an operator's time has come, by watermark or by stream time, and for a key: what its range has inherited where that is higher. */
export class EventTime {
  readonly #inRange: InRange | undefined;
  readonly #floors: Floors;
  #now = minTime;

  constructor(inRange: InRange | undefined) {
    this.#inRange = inRange;
    this.#floors = new Floors(inRange ?? (() => true));
  }

  get now(): number {
    return this.#now;
  }

  of(key: string): number {
    return this.at(this.#now, key);
  }

  /** What held for the key when time had come to `time`. */
  at(time: number, key: string): number {
    return Math.max(time, this.#floors.at(key));
  }

  /** Moves time on; false when `to` is not later. Throws PARAMETER_INVALID. */
  advance(to: number): boolean {
    const time = checkedWatermark(to);
    if (time <= this.#now) return false;
    this.#now = time;
    return true;
  }

  /** All that was due up to now has been told: forgets what was inherited and time has reached. */
  settle(): void {
    this.#floors.passed(this.#now);
  }

  /** The first row of a snapshot. */
  save(): Plain {
    return [this.#now, this.#floors.save()];
  }

  /** Takes over the time of others, and gives each row of a key to `load`. Throws as `readParts`. */
  restore(kind: string, parts: readonly SnapshotPart[], load: (key: string, saved: Plain) => void): void {
    this.#now = readParts(kind, parts, this.#floors, this.#inRange, load);
  }
}
