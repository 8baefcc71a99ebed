import type { BookingEvent } from '../../services/lib/events/booking-event.ts';
import type { Rule } from '../../services/lib/rules/rules-file.ts';

export interface Finding {
  /** In time order. */
  readonly evidence: BookingEvent[];
  readonly value: number;
}

/**
 * What a rule finds when `event` arrives, by the plainest reading of docs/rules.md. `used`: all events of the key that were used so
 * far, in order of arrival, `event` the last. Nothing is remembered between two calls and nothing is forgotten.
 */
export function find(rule: Rule, used: readonly BookingEvent[], event: BookingEvent): Finding | undefined {
  const matching = used.filter((one) => matches(rule, one));
  if (!matching.includes(event)) return undefined;
  const sorted = byTime(matching, (one) => one.occurredAt);
  const { count, sum, distinct, pairs, session } = rule;

  if (count !== undefined) {
    const [run] = runsAround(sorted, event, count.within, count.atLeast, count.atLeast);
    return run && { evidence: run, value: run.length };
  }
  if (sum !== undefined) {
    const total = (run: BookingEvent[]): number => run.reduce((so, one) => so + Number(fieldOf(one, sum.field)), 0);
    for (const run of runsAround(sorted, event, sum.within)) {
      if (total(run) >= sum.atLeast) return { evidence: run, value: total(run) };
    }
  }
  if (distinct !== undefined) {
    const different = (run: BookingEvent[]): number => new Set(run.map((one) => JSON.stringify(fieldOf(one, distinct.field)))).size;
    for (const run of runsAround(sorted, event, distinct.within)) {
      if (different(run) >= distinct.atLeast) return { evidence: run, value: different(run) };
    }
  }
  if (pairs !== undefined) {
    const made = byTime(pairsOf(pairs, matching), ({ close }) => close.occurredAt);
    const here = made.findIndex(({ close }) => close === event);
    const starts = made.map((_, from) => from).filter((from) => here >= 0 && from <= here && here < from + pairs.atLeast);
    const run = starts
      .map((from) => made.slice(from, from + pairs.atLeast))
      .find((one) => one.length === pairs.atLeast && span(one.map(({ close }) => close)) <= ms(pairs.within));
    if (run === undefined) return undefined;
    const events = run.flatMap(({ open, close }) => [open, close]);
    return { evidence: byTime(events, (one) => one.occurredAt), value: run.length };
  }
  if (session !== undefined) {
    const evidence = sessionOf(sorted, event, ms(session.gap)).slice(0, session.atLeast);
    return evidence.length < session.atLeast ? undefined : { evidence, value: evidence.length };
  }
  return undefined;
}

/** The runs of neighbours with `event` among them that span at most `within`: the shortest first, of one length the earliest first. */
function* runsAround(
  sorted: readonly BookingEvent[],
  event: BookingEvent,
  within: string,
  shortest = 1,
  longest = sorted.length,
): Generator<BookingEvent[]> {
  const near = sorted.filter((one) => Math.abs(one.occurredAt - event.occurredAt) <= ms(within)); // no run reaches further
  for (let length = shortest; length <= Math.min(longest, near.length); length++) {
    for (let from = 0; from + length <= near.length; from++) {
      const run = near.slice(from, from + length);
      if (run.includes(event) && span(run) <= ms(within)) yield run;
    }
  }
}

interface Pair {
  readonly open: BookingEvent;
  readonly close: BookingEvent;
}

/** In order of the closes' arrival: each takes the newest open before it that no other took. */
function pairsOf({ open: opening, close: closing, on, maxGap }: NonNullable<Rule['pairs']>, arrived: readonly BookingEvent[]): Pair[] {
  const made: Pair[] = [];
  arrived.forEach((close, i) => {
    if (close.type !== closing) return;
    const free = arrived.slice(0, i).filter((open) => {
      const gap = close.occurredAt - open.occurredAt;
      if (open.type !== opening || gap < 0 || gap > ms(maxGap) || made.some((pair) => pair.open === open)) return false;
      return JSON.stringify(fieldOf(open, on)) === JSON.stringify(fieldOf(close, on));
    });
    const open = byTime(free, (one) => one.occurredAt).at(-1);
    if (open !== undefined) made.push({ open, close });
  });
  return made;
}

function sessionOf(sorted: readonly BookingEvent[], event: BookingEvent, gap: number): BookingEvent[] {
  const sessions: BookingEvent[][] = [];
  for (const one of sorted) {
    const last = sessions.at(-1);
    if (last !== undefined && span([...last.slice(-1), one]) <= gap) last.push(one);
    else sessions.push([one]);
  }
  return sessions.find((session) => session.includes(event)) ?? [];
}

function matches({ when, sum, distinct, pairs }: Rule, event: BookingEvent): boolean {
  if (!Object.entries(when).every(([field, allowed]) => allowed.some((value) => value === fieldOf(event, field)))) return false;
  if (sum !== undefined) return Number.isSafeInteger(fieldOf(event, sum.field)) && Number(fieldOf(event, sum.field)) >= 0;
  if (distinct !== undefined) return isScalar(fieldOf(event, distinct.field));
  if (pairs !== undefined) return [pairs.open, pairs.close].includes(event.type) && isScalar(fieldOf(event, pairs.on));
  return true;
}

const fieldOf = (event: BookingEvent, field: string): unknown =>
  Object.hasOwn(event, field) ? event[field as keyof BookingEvent] : undefined;
const isScalar = (value: unknown): boolean => value === null || ['string', 'number', 'boolean'].includes(typeof value);
const span = (sorted: readonly BookingEvent[]): number => (sorted.at(-1)?.occurredAt ?? 0) - (sorted[0]?.occurredAt ?? 0);

/** Stable: ties stay in the order they have. */
const byTime = <T>(items: readonly T[], time: (item: T) => number): T[] => items.toSorted((a, b) => time(a) - time(b));

/** A duration of the rules file. */
export function ms(duration: string): number {
  const part = (unit: RegExp): number => Number(unit.exec(duration)?.[1] ?? 0);
  return Math.round(part(/(\d+)D/) * 86_400_000 + part(/(\d+)H/) * 3_600_000 + part(/(\d+)M/) * 60_000 + part(/([\d.]+)S/) * 1_000);
}
