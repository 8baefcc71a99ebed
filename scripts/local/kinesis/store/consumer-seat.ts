import { Pace } from './consumer-pace.ts';

/** Why a subscription ends before its time. */
export type Eviction = 'taken-over' | 'consumer-deleted' | 'stream-deleted';

export interface Occupant {
  evict(reason: Eviction): void;
}

/** SubscribeToShard, API reference: a call within 5 s of a successful one is refused, a later one takes over. */
const graceMs = 5_000;
/** SubscribeToShard, API reference: one call per second per registered consumer per shard. */
const callMs = 1_000;

/** What one consumer has of one shard: at most one subscription, and a throughput that outlives it. */
export class Seat {
  readonly pace = new Pace();
  #occupant: Occupant | undefined;
  #takenAtMs = Number.NEGATIVE_INFINITY;
  #calledAtMs = Number.NEGATIVE_INFINITY;

  /** Why a call may not have the seat now. `limits`: whether the rate of calls counts. */
  refusal(nowMs: number, limits: boolean): 'in-use' | 'too-soon' | undefined {
    const isTooSoon = limits && isWithin(nowMs - this.#calledAtMs, callMs);
    if (isWithin(nowMs - this.#takenAtMs, graceMs)) {
      if (!isTooSoon) this.#calledAtMs = nowMs;
      return 'in-use';
    }
    return isTooSoon ? 'too-soon' : undefined;
  }

  /** From whoever has it. */
  take(nowMs: number, occupant: Occupant): void {
    this.vacate('taken-over');
    this.#occupant = occupant;
    this.#calledAtMs = nowMs;
    this.#takenAtMs = nowMs;
  }

  vacate(reason: Eviction): void {
    const occupant = this.#occupant;
    this.#occupant = undefined;
    occupant?.evict(reason);
  }

  /** The occupant leaves by itself. */
  leave(occupant: Occupant): void {
    if (this.#occupant === occupant) this.#occupant = undefined;
  }
}

/** A clock that went back must not keep a seat for longer than AWS would. */
const isWithin = (elapsedMs: number, spanMs: number): boolean => elapsedMs >= 0 && elapsedMs < spanMs;
