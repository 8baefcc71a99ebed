import type { BookingEvent } from '../events/booking-event.ts';
import { PlatformError } from '../process/errors.ts';
import { type Alert, alertOf, type Evidence } from './alert.ts';
import type { CompiledRule } from './compile.ts';
import { Growth } from './growth.ts';
import type { Horizon } from './used-ids.ts';

interface KeyLog {
  /** By (occurredAt, arrival). */
  events: Evidence[];
  /** `at` of the last alert, -Infinity before the first. */
  lastAt: number;
}

/** What an event will change, worked out before anything is changed. */
export interface CountChange {
  readonly log: CountLog;
  readonly key: string;
  readonly event: Evidence;
  readonly place: number;
  readonly alert: Alert | undefined;
}

export interface MemoryLimits {
  /** Bound of what one key can take in one rule; the oldest events go first. */
  readonly maxEventsPerKey: number;
  /** Entries of a map below which it is not swept. */
  readonly smallestSweep: number;
}

/** One `count` rule's memory: per key the matching events that a later event can still form a run with. */
export class CountLog {
  readonly rule: CompiledRule;
  readonly #atLeast: number;
  readonly #withinMs: number;
  readonly #maxEventsPerKey: number;
  readonly #keys = new Map<string, KeyLog>();
  readonly #growth: Growth;
  #evicted = 0;

  constructor(rule: CompiledRule, { maxEventsPerKey, smallestSweep }: MemoryLimits) {
    if (rule.condition.kind !== 'count')
      throw new PlatformError('RULES_INVALID', `rule ${rule.id}: ${rule.condition.kind} is not supported`);
    this.rule = rule;
    this.#atLeast = rule.condition.atLeast;
    this.#withinMs = rule.condition.withinMs;
    this.#maxEventsPerKey = maxEventsPerKey;
    this.#growth = new Growth(smallestSweep);
  }

  /** Events dropped because a key had more than its limit. */
  get evicted(): number {
    return this.#evicted;
  }

  get keys(): number {
    return this.#keys.size;
  }

  evaluate({ userId: key, eventId, occurredAt }: BookingEvent): CountChange {
    const events = this.#keys.get(key)?.events ?? [];
    const event = { eventId, occurredAt };
    const place = placeOf(occurredAt, events);
    const evidence = this.#earliestRun(events, event, place);
    return { log: this, key, event, place, alert: evidence === undefined ? undefined : this.#alert(key, event, evidence) };
  }

  commit({ key, event, place, alert }: CountChange, horizon: Horizon): void {
    let log = this.#keys.get(key);
    if (log === undefined) this.#keys.set(key, (log = { events: [], lastAt: Number.NEGATIVE_INFINITY }));
    log.events.splice(place, 0, event);
    if (alert !== undefined) log.lastAt = alert.at;
    this.#forget(log, horizon(key));
    if (log.events.length > this.#maxEventsPerKey) {
      this.#evicted += log.events.length - this.#maxEventsPerKey;
      log.events.splice(0, log.events.length - this.#maxEventsPerKey);
    }
    if (this.#growth.due(this.#keys.size)) this.#sweep(horizon);
  }

  /** Takes over a parent shard's keys that this shard holds now; parents never share a key. */
  inherit(parent: CountLog, holds: (key: string) => boolean): void {
    for (const [key, log] of parent.#keys) {
      if (holds(key)) this.#keys.set(key, { events: [...log.events], lastAt: log.lastAt });
    }
  }

  /** The earliest `atLeast` neighbours, the new event at `place` among them, with newest − oldest ≤ within. */
  #earliestRun(events: readonly Evidence[], event: Evidence, place: number): Evidence[] | undefined {
    const atLeast = this.#atLeast;
    const count = events.length + 1;
    const timeAt = (i: number): number => (i === place ? event : events[i < place ? i : i - 1])?.occurredAt ?? Number.NaN;
    const last = Math.min(place, count - atLeast);
    for (let from = Math.max(0, place - atLeast + 1); from <= last; from++) {
      if (timeAt(from + atLeast - 1) - timeAt(from) <= this.#withinMs) {
        return [...events.slice(from, place), event, ...events.slice(place, from + atLeast - 1)];
      }
    }
    return undefined;
  }

  #alert(key: string, event: Evidence, evidence: readonly Evidence[]): Alert | undefined {
    const at = evidence.at(-1)?.occurredAt ?? Number.NaN;
    const lastAt = this.#keys.get(key)?.lastAt ?? Number.NEGATIVE_INFINITY;
    return at <= lastAt + this.rule.cooldownMs ? undefined : alertOf(this.rule, key, event.eventId, evidence, evidence.length);
  }

  /** No event to come is older than the horizon, so no run reaches further back than the span before it. */
  #forget(log: KeyLog, horizon: number): void {
    const oldest = horizon - this.#withinMs;
    let gone = 0;
    while ((log.events[gone]?.occurredAt ?? Number.POSITIVE_INFINITY) < oldest) gone++;
    if (gone > 0) log.events.splice(0, gone);
  }

  #sweep(horizon: Horizon): void {
    for (const [key, log] of this.#keys) {
      const oldest = horizon(key);
      this.#forget(log, oldest);
      if (log.events.length === 0 && log.lastAt + this.rule.cooldownMs < oldest) this.#keys.delete(key);
    }
    this.#growth.swept(this.#keys.size);
  }
}

/** Behind every event that is not newer: the order is (occurredAt, arrival), and the new event arrived last. */
function placeOf(occurredAt: number, events: readonly Evidence[]): number {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((events[middle]?.occurredAt ?? 0) <= occurredAt) low = middle + 1;
    else high = middle;
  }
  return low;
}
