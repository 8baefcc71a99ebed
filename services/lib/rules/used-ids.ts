import { Growth } from './growth.ts';

interface Use {
  readonly key: string;
  /** Epoch ms. */
  readonly occurredAt: number;
}

/** Oldest occurredAt that is not late for the key, epoch ms. */
export type Horizon = (key: string) => number;

/**
 * Ids of the events used, kept while their occurredAt is not late: a repeat of an older one is late itself.
 * Whether an id counts as known is decided by that rule alone, never by when it happened to be swept.
 */
export class UsedIds {
  readonly #uses = new Map<string, Use>();
  readonly #growth: Growth;

  constructor(smallestSweep: number) {
    this.#growth = new Growth(smallestSweep);
  }

  has(eventId: string, horizon: Horizon): boolean {
    const use = this.#uses.get(eventId);
    return use !== undefined && use.occurredAt >= horizon(use.key);
  }

  add(eventId: string, use: Use, horizon: Horizon): void {
    this.#uses.set(eventId, use);
    if (!this.#growth.due(this.#uses.size)) return;
    for (const [id, old] of this.#uses) if (old.occurredAt < horizon(old.key)) this.#uses.delete(id);
    this.#growth.swept(this.#uses.size);
  }

  /** Takes over what a parent shard knew of the keys that this shard holds now. */
  inherit(parent: UsedIds, holds: (key: string) => boolean): void {
    for (const [eventId, use] of parent.#uses) {
      if (!holds(use.key)) continue;
      const known = this.#uses.get(eventId);
      if (known === undefined || known.occurredAt < use.occurredAt) this.#uses.set(eventId, use);
    }
  }

  get size(): number {
    return this.#uses.size;
  }
}
