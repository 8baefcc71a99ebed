import type { BookingEvent } from '../../../services/lib/events/booking-event.ts';
import type { Job } from './jobs.ts';

interface Times {
  readonly disorder: number;
  /** A record further behind the watermark is late. */
  readonly maxDelay: number;
}

/** Ids seen, as a Map with their times; what is out of reach goes every few seconds. */
class SeenIds {
  readonly #ids = new Map<string, number>();
  #swept = Number.NEGATIVE_INFINITY;

  has(id: string, horizon: number): boolean {
    const time = this.#ids.get(id);
    return time !== undefined && time >= horizon;
  }

  add(id: string, time: number, horizon: number): void {
    this.#ids.set(id, time);
    if (horizon - this.#swept < 5_000) return;
    this.#swept = horizon;
    for (const [known, at] of this.#ids) if (at < horizon) this.#ids.delete(known);
  }
}

interface UserEvents {
  readonly times: number[];
  readonly ids: string[];
  lastAt: number;
}

/** So many events of one type by a user within a span, as one writes it with Map and arrays. */
export function plainRule(type: string, atLeast: number, within: number, cooldown: number, { disorder, maxDelay }: Times): Job {
  const users = new Map<string, UserEvents>();
  const seen = new SeenIds();
  let watermark = Number.NEGATIVE_INFINITY;
  let told: string[] = [];
  return {
    apply(event) {
      const { occurredAt: time, userId, eventId } = event;
      if (time < watermark - maxDelay || seen.has(eventId, watermark - maxDelay)) return;
      watermark = Math.max(watermark, time - disorder);
      seen.add(eventId, time, watermark - maxDelay);
      if (event.type !== type) return;
      let user = users.get(userId);
      if (user === undefined) users.set(userId, (user = { times: [], ids: [], lastAt: Number.NEGATIVE_INFINITY }));
      const { times, ids } = user;
      let at = times.length;
      while (at > 0 && (times[at - 1] as number) > time) at--;
      times.splice(at, 0, time);
      ids.splice(at, 0, eventId);
      for (let first = Math.max(0, at - atLeast + 1); first <= at && first + atLeast <= times.length; first++) {
        const newest = times[first + atLeast - 1] as number;
        if (newest - (times[first] as number) > within) continue;
        if (newest > user.lastAt + cooldown) {
          user.lastAt = newest;
          told.push(`${userId} ${newest} ${ids.slice(first, first + atLeast).join(' ')}`);
        }
        break;
      }
      let old = 0;
      while ((times[old] as number) < watermark - maxDelay - within) old++;
      if (old > 0) {
        times.splice(0, old);
        ids.splice(0, old);
      }
    },
    take: () => told.splice(0),
  };
}

/** Records per key in hopping windows, with one Map per slice and one of running totals. */
export function plainWindows(keyOf: (event: BookingEvent) => string, size: number, slide: number, { disorder, maxDelay }: Times): Job {
  const slices = new Map<number, Map<string, number>>();
  const totals = new Map<string, number>();
  const seen = new SeenIds();
  let watermark = Number.NEGATIVE_INFINITY;
  let next = Number.NEGATIVE_INFINITY;
  const told: string[] = [];
  const bump = (counts: Map<string, number>, key: string, by: number): void => {
    const count = (counts.get(key) ?? 0) + by;
    if (count === 0) counts.delete(key);
    else counts.set(key, count);
  };
  const close = (end: number): void => {
    for (const [key, count] of slices.get(end) ?? []) bump(totals, key, count);
    const window = new WindowDigest(end);
    for (const count of totals.values()) window.add(count);
    if (window.keys > 0) told.push(window.text);
    for (const [key, count] of slices.get(end - size + slide) ?? []) bump(totals, key, -count);
    slices.delete(end - size + slide);
  };
  return {
    apply(event) {
      const { occurredAt: time, eventId } = event;
      const horizon = Math.max(next - size, watermark - maxDelay);
      if (time < horizon || seen.has(eventId, horizon)) return;
      const end = time - (time % slide) + slide;
      let counts = slices.get(end);
      if (counts === undefined) slices.set(end, (counts = new Map<string, number>()));
      bump(counts, keyOf(event), 1);
      if (end < next) bump(totals, keyOf(event), 1);
      if (next === Number.NEGATIVE_INFINITY) next = end;
      watermark = Math.max(watermark, time - disorder - 1);
      for (; next - 1 <= watermark; next += slide) close(next);
      seen.add(eventId, time, Math.max(next - size, watermark - maxDelay));
    },
    take: () => told.splice(0),
  };
}

/** What a window told, so short that two runs can be compared: keys, and sums of their counts and of the squares. */
export class WindowDigest {
  readonly #end: number;
  keys = 0;
  #sum = 0;
  #squares = 0;

  constructor(end: number) {
    this.#end = end;
  }

  add(count: number): void {
    this.keys++;
    this.#sum += count;
    this.#squares += count * count;
  }

  get text(): string {
    return `${this.#end} ${this.keys} ${this.#sum} ${this.#squares}`;
  }
}
