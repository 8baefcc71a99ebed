import type { Plain } from '../plain.ts';
import { minTime } from '../time.ts';
import { savedList, savedText, savedTime } from './saved.ts';

/** Which keys lie in a range. What a range is and looks like is the caller's: a hash range of a shard, for example. */
export type InRange = (key: string, range: string) => boolean;

export interface Floor {
  readonly range: string;
  readonly time: number;
}

/**
 * Watermarks (or stream times) that an operator inherits from several others, each for the keys of one range. Without them, keys whose
 * windows have closed would find them open again under the lower watermark of another parent, and tell them twice.
 */
export class Floors {
  readonly #inRange: InRange;
  #floors: readonly Floor[];

  constructor(inRange: InRange, floors: readonly Floor[] = []) {
    this.#inRange = inRange;
    this.#floors = floors;
  }

  /** minTime where nothing was inherited. */
  at(key: string): number {
    let highest = minTime;
    for (const { range, time } of this.#floors) if (time > highest && this.#inRange(key, range)) highest = time;
    return highest;
  }

  get isEmpty(): boolean {
    return this.#floors.length === 0;
  }

  add(range: string, time: number): void {
    if (time > minTime) this.#floors = [...this.#floors, { range, time }];
  }

  /** Forgets those that the operator's own time has reached. */
  passed(time: number): void {
    if (this.#floors.some((floor) => floor.time <= time)) this.#floors = this.#floors.filter((floor) => floor.time > time);
  }

  save(): Plain {
    return this.#floors.map(({ range, time }) => [range, time]);
  }

  static saved(saved: Plain): readonly Floor[] {
    return savedList(saved).map((floor) => {
      const [range, time] = savedList(floor, 2);
      return { range: savedText(range), time: savedTime(time) };
    });
  }
}
