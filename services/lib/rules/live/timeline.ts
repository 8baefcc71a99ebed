import { PlatformError } from '../../process/errors.ts';
import { activationDelayMs, clockSkewMs, type Generation, writeDeadlineMs } from './pointer.ts';

/** How often a pointer is read again though no record asks for it. */
export const rereadIntervalMs = 30_000;

/**
 * Whether a pointer that was read at `lastReadAt` (the reader's clock, before the read) may lack a generation that binds a record which
 * arrived at `newestArrival`: one that was written after the read is in force no sooner than its delay, less the time that the write may
 * take, and clocks differ.
 */
export function needsReread(lastReadAt: number, newestArrival: number): boolean {
  return newestArrival >= lastReadAt + activationDelayMs - writeDeadlineMs - clockSkewMs;
}

/** Which rules hold for which record. Decided by the records alone, so that whoever reads them again finds the same. */
export class RulesTimeline {
  readonly #generations: readonly Generation[];

  /** Oldest first, as in a pointer. */
  constructor(generations: readonly Generation[]) {
    this.#generations = generations;
  }

  /**
   * The generation of a shard's next record, which arrived at `arrival` (approximateArrivalTimestamp, epoch ms): the newest that is in
   * force then, but never one before `current`, since arrivals may go back a little. `current`: that of the record before, 0 for a shard
   * that has none. Generations between the two are passed over. Throws RULES_INVALID when `current` is not listed and nothing newer is in force.
   */
  generationFor(current: number, arrival: number): Generation {
    const found = this.#generations.findLast(
      ({ generation, activeFrom }) => generation === current || (generation > current && activeFrom <= arrival),
    );
    if (found !== undefined) return found;
    const listed = this.#generations.map(({ generation }) => generation).join(', ');
    throw new PlatformError(
      'RULES_INVALID',
      `no generation of rules for a record that arrived at ${arrival}: ${current} or newer, of ${listed}`,
    );
  }

  /** The one with this number and those before it, newest first; empty when it is not listed. */
  upTo(generation: number): readonly Generation[] {
    const at = this.#generations.findIndex((one) => one.generation === generation);
    return this.#generations.slice(0, at + 1).reverse();
  }

  get newest(): number {
    return this.#generations.at(-1)?.generation ?? 0;
  }
}
