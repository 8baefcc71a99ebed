import fc from 'fast-check';
import type { OracleGeneration, OracleShard } from '../../scripts/judge/naive-alerts.ts';
import { type BookingEvent, type EventType, eventIdOf } from '../../services/lib/events/booking-event.ts';
import { hashKeyOf, inRange } from '../../services/lib/kcl/shards.ts';
import type { RulesFile } from '../../services/lib/rules/rules-file.ts';

export const start = 1_790_000_000_000;
export const wholeRange = { start: 0n, end: 2n ** 128n - 1n };

export function bookingEvent(of: Partial<BookingEvent> & { bookingId: string }): BookingEvent {
  const type = of.type ?? 'cancelled';
  const version = of.version ?? 1;
  return {
    schemaVersion: 1,
    eventId: eventIdOf(of.bookingId, version, type),
    type,
    version,
    userId: 'user-1',
    tourId: 'tour-1',
    occurredAt: start,
    seats: 2,
    amountMinor: 12_000,
    currency: 'EUR',
    channel: 'web',
    source: 'dynamodb',
    ...of,
  };
}

export type RuleSpec = Partial<RulesFile['rules'][number]> & { id: string };

export const rule = (spec: RuleSpec): RulesFile['rules'][number] => ({
  version: 1,
  mode: 'live',
  severity: 'high',
  key: 'userId',
  when: { type: ['cancelled'] },
  count: { atLeast: 3, within: 'PT10M' },
  ...spec,
});

export const millis = (ms: number): string => `PT${Math.floor(ms / 1_000)}.${String(ms % 1_000).padStart(3, '0')}S`;

/** One step of the traffic, in milliseconds so small that the limits are hit exactly again and again. */
interface Step {
  readonly user: number;
  readonly advance: number;
  readonly back: number;
  readonly ahead: number;
  readonly type: EventType;
  /** One of few per user, so that bookings are opened and closed again and again. */
  readonly booking: number;
  readonly tour: number;
  /** Negative at times: then it is no amount that `sum` takes. */
  readonly amount: number;
  readonly repeatOf: number | undefined;
}

const step: fc.Arbitrary<Step> = fc.record({
  user: fc.constantFrom(0, 0, 1, 2, 3),
  advance: fc.constantFrom(0, 0, 1, 2, 3),
  back: fc.oneof(
    { weight: 5, arbitrary: fc.constant(0) },
    { weight: 2, arbitrary: fc.nat({ max: 9 }) },
    { weight: 1, arbitrary: fc.nat({ max: 30 }) },
  ),
  ahead: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat({ max: 6 }) }),
  type: fc.constantFrom<EventType>('cancelled', 'cancelled', 'reserved', 'reserved', 'changed'),
  booking: fc.constantFrom(0, 0, 1),
  tour: fc.nat({ max: 3 }),
  amount: fc.integer({ min: -1, max: 5 }),
  repeatOf: fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat({ max: 12 }) }),
});

/** Where the hash space is cut in each phase; between two phases every shard is split or merged. */
const phases = fc.array(
  fc.uniqueArray(
    fc.nat({ max: 7 }).filter((cut) => cut > 0),
    { maxLength: 3 },
  ),
  { minLength: 1, maxLength: 4 },
);

type When = RulesFile['rules'][number]['when'];
type Condition = Pick<RuleSpec, 'when' | 'count' | 'sum' | 'distinct' | 'pairs' | 'session'>;

const span = fc.constantFrom(0, 1, 2, 3, 4, 6, 8, 12).map(millis);
/** A pair needs two of the few events of one booking. */
const longSpan = fc.constantFrom(0, 2, 4, 8, 15, 30).map(millis);
const atLeast = fc.integer({ min: 1, max: 4 });
const when = fc.constantFrom<When>(
  {},
  { type: ['cancelled'] },
  { type: ['cancelled'] },
  { type: ['cancelled', 'changed'], tourId: ['tour-0', 'tour-1'] },
);
const pairWhen = fc.constantFrom<When>({}, {}, { tourId: ['tour-0', 'tour-1'] });
const field = <T extends string>(...names: T[]) => fc.constantFrom(...names);

/** Each kind of condition, its limits small enough to be met exactly. */
const conditions: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({ when, count: fc.record({ atLeast, within: span }) }),
  fc.record({
    when: fc.constantFrom<When>({ currency: ['EUR'] }, { currency: ['EUR'], type: ['cancelled'] }),
    sum: fc.record({ field: field('amountMinor', 'amountMinor', 'seats'), atLeast: fc.integer({ min: 1, max: 8 }), within: span }),
  }),
  fc.record({ when, distinct: fc.record({ field: field('tourId', 'bookingId', 'seats', 'traceparent'), atLeast, within: span }) }),
  fc.record({
    when: pairWhen,
    pairs: fc.record({
      open: fc.constant<EventType>('reserved'),
      close: field<EventType>('cancelled', 'cancelled', 'changed'),
      on: field('bookingId', 'bookingId', 'channel'),
      maxGap: longSpan,
      atLeast: fc.constantFrom(1, 1, 2, 3),
      within: longSpan,
    }),
  }),
  fc.record({ when, session: fc.record({ gap: fc.nat({ max: 4 }).map(millis), atLeast }) }),
);

type Kind = Pick<RuleSpec, 'when' | 'count' | 'sum' | 'distinct' | 'pairs' | 'session' | 'cooldown' | 'mode'>;

/** All of a rule but its name. */
const kinds: fc.Arbitrary<Kind> = fc
  .record({
    condition: conditions,
    cooldown: fc.option(span, { nil: undefined, freq: 2 }),
    mode: fc.constantFrom('live' as const, 'live' as const, 'shadow' as const, 'off' as const),
  })
  .map(({ condition, cooldown, mode }) => ({ mode, ...condition, ...(cooldown === undefined ? {} : { cooldown }) }));

const named = (id: string, version: number, kind: Kind): RulesFile['rules'][number] => {
  const { count: _, ...bare } = rule({ id, version });
  return { ...bare, ...kind };
};

const times: fc.Arbitrary<RulesFile['time']> = fc
  .record({ disorder: fc.constantFrom(0, 1, 3, 5, 9), lateness: fc.constantFrom(0, 1, 2, 5, 9), maxAhead: fc.nat({ max: 4 }) })
  .map(({ disorder, lateness, maxAhead }) => ({ disorder: millis(disorder), lateness: millis(lateness), maxAhead: millis(maxAhead) }));

const traffic = fc.record({ steps: fc.array(step, { minLength: 1, maxLength: 60, size: 'max' }), cuts: phases });

export interface Scenario {
  readonly shards: readonly OracleShard[];
  readonly rules: RulesFile;
}

export const scenarios: fc.Arbitrary<Scenario> = fc
  .record({ traffic, specs: fc.array(kinds, { minLength: 1, maxLength: 4 }), time: times })
  .map(({ traffic: { steps, cuts }, specs, time }) => ({
    shards: play(steps, cuts),
    rules: { time, rules: specs.map((kind, i) => named(`rule-${i}`, 1, kind)) },
  }));

export interface LiveScenario {
  readonly shards: readonly OracleShard[];
  readonly generations: readonly OracleGeneration[];
}

/** Rules that change while the events come: each generation takes some of three rules, each in one of two versions, in any order. */
export const liveScenarios: fc.Arbitrary<LiveScenario> = fc
  .record({
    traffic,
    pool: fc.tuple(kinds, kinds, kinds, kinds, kinds, kinds),
    first: times,
    changes: fc.array(
      fc.record({
        after: fc.constantFrom(0, 1, 5, 10, 20, 30),
        time: fc.option(times, { nil: undefined, freq: 2 }),
        picks: fc.uniqueArray(fc.nat({ max: 5 }), { selector: (pick) => pick % 3, maxLength: 3 }),
      }),
      { minLength: 1, maxLength: 6 },
    ),
  })
  .map(({ traffic: { steps, cuts }, pool, first, changes }) => {
    let [time, activeFrom] = [first, start];
    const generations = changes.map((change, i): OracleGeneration => {
      time = change.time ?? time;
      activeFrom += change.after;
      const rules = change.picks.map((pick) => named(`rule-${pick % 3}`, pick < 3 ? 1 : 2, pool[pick] as Kind));
      return { generation: i + 1, activeFrom: i === 0 ? 0 : activeFrom, rules: { time, rules } };
    });
    return { shards: play(steps, cuts), generations };
  });

function play(steps: readonly Step[], phaseCuts: readonly (readonly number[])[]): OracleShard[] {
  const shards: (OracleShard & { records: { event: BookingEvent; arrival: number }[] })[] = [];
  const played: BookingEvent[] = [];
  let current: typeof shards = [];
  let now = start;
  phaseCuts.forEach((cuts, phase) => {
    const parents = current;
    current = rangesOf(cuts).map((range, i) => ({
      shardId: `shard-${phase}-${i}`,
      parents: parents.filter((p) => p.range.start <= range.end && range.start <= p.range.end).map((p) => p.shardId),
      range,
      records: [],
    }));
    shards.push(...current);
    const from = Math.floor((steps.length * phase) / phaseCuts.length);
    const to = Math.floor((steps.length * (phase + 1)) / phaseCuts.length);
    for (let i = from; i < to; i++) {
      const { user, advance, back, ahead, type, booking, tour, amount, repeatOf } = steps[i] as Step;
      now += advance;
      const repeated = repeatOf === undefined ? undefined : played.at(-1 - repeatOf);
      const fresh = bookingEvent({
        bookingId: `booking-${user}-${booking}`,
        version: i,
        type,
        userId: `user-${user}`,
        tourId: `tour-${tour}`,
        seats: Math.max(0, amount),
        amountMinor: amount,
        ...(tour === 0 ? { traceparent: `trace-${amount}` } : {}),
        occurredAt: now - back + ahead,
      });
      const event = repeated === undefined ? fresh : { ...repeated };
      played.push(event);
      const shard = current.find(({ range }) => inRange(hashKeyOf(event.userId), range));
      shard?.records.push({ event, arrival: now });
    }
  });
  return shards;
}

function rangesOf(cuts: readonly number[]): { start: bigint; end: bigint }[] {
  const eighth = 2n ** 125n;
  const starts = [0n, ...cuts.toSorted((a, b) => a - b).map((cut) => BigInt(cut) * eighth)];
  return starts.map((from, i) => ({ start: from, end: (starts[i + 1] ?? 2n ** 128n) - 1n }));
}
