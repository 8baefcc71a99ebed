import assert from 'node:assert/strict';
import { naiveAlerts } from '../../scripts/judge/naive-alerts.ts';
import type { BookingEvent } from '../../services/lib/events/booking-event.ts';
import { decodeBookingEvent } from '../../services/lib/events/booking-event-codec.ts';
import type { HashRange } from '../../services/lib/kcl/shards.ts';
import { compileRules } from '../../services/lib/rules/compile.ts';
import type { Rule, RulesFile } from '../../services/lib/rules/rules-file.ts';
import { ShardState } from '../../services/lib/rules/shard-state.ts';
import { WindowCounts } from '../../services/lib/windows/counts/window-counts.ts';
import { WindowError } from '../../services/lib/windows/window-error.ts';

/** By hand: FUZZ_RUNS=1000000 npx mocha --timeout 0 test/oracle/engine-fuzz.test.ts */
const runs = Number(process.env['FUZZ_RUNS'] ?? 6_000);
const seed = Number(process.env['FUZZ_SEED'] ?? 1);

const wholeRange: HashRange = { start: 0n, end: 2n ** 128n - 1n };
const base = Date.UTC(2026, 0, 1);
/** From one event to the next, on average. */
const meanStepMs = 200;

function randomOf(start: number): (limit: number) => number {
  let state = start | 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * limit);
  };
}

const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'user-1', 'user-2', 'Zoë', '\ud800', '\u0000', 'k'.repeat(128)];
const soundNames = ['__proto__', 'constructor', 'user-1', 'user-2', 'Zoë', 'k'.repeat(128)];
const odd: readonly unknown[] = [
  null,
  true,
  Number.NaN,
  -1,
  -0,
  0.5,
  2 ** 53,
  2 ** 53 - 1,
  -(2 ** 53),
  1e308,
  Number.POSITIVE_INFINITY,
  '',
  '__proto__',
  'x'.repeat(300),
  [],
  {},
  [[[]]],
  undefined,
];
const fields = [
  'schemaVersion',
  'eventId',
  'type',
  'bookingId',
  'version',
  'userId',
  'tourId',
  'occurredAt',
  'seats',
  'amountMinor',
  'extra',
];

/** Makes inputs: sound events, events with something odd, other JSON, text that is nearly JSON, and bytes. */
class Inputs {
  readonly #below: (limit: number) => number;
  #clock = base;
  #id = '0'.repeat(32);

  constructor(below: (limit: number) => number) {
    this.#below = below;
  }

  next(): Buffer {
    const kind = this.#below(10);
    if (kind === 0) return Buffer.from(Array.from({ length: this.#below(64) }, () => this.#below(256)));
    const event = this.#event();
    if (kind === 1) event[this.#one(fields)] = this.#one(odd);
    if (kind === 2) Object.defineProperty(event, this.#one(names), { value: this.#one(odd), enumerable: true });
    if (kind === 3) return Buffer.from(JSON.stringify(this.#one(odd)) ?? '');
    const bytes = Buffer.from(JSON.stringify(event));
    if (kind === 4) bytes[this.#below(bytes.length)] = this.#below(256);
    return kind === 5 ? bytes.subarray(0, this.#below(bytes.length)) : bytes;
  }

  #event(): Record<string, unknown> {
    this.#clock += this.#below(2 * meanStepMs + 1);
    if (this.#below(10) > 0) this.#id = this.#hex(); // else an id comes again
    return {
      schemaVersion: 1,
      eventId: this.#id,
      type: this.#one(['reserved', 'changed', 'cancelled', 'expired']),
      bookingId: this.#name(),
      version: this.#below(5),
      userId: this.#name(),
      tourId: this.#name(),
      occurredAt: this.#below(200) === 0 ? this.#one([946_684_800_000, 946_684_799_999, base - 1]) : this.#clock - this.#below(60_000),
      seats: this.#below(4),
      amountMinor: this.#one([0, -1, 100, 2 ** 40, 2 ** 53 - 1]),
      currency: 'EUR',
      channel: 'web',
      source: 'sdk',
      extra: { ['__proto__']: this.#one(names) },
    };
  }

  /** Mostly one that an event may have. */
  #name(): string {
    return this.#below(8) === 0 ? this.#one(names) : this.#one(soundNames);
  }

  #hex(): string {
    return Array.from({ length: 4 }, () =>
      this.#below(2 ** 32)
        .toString(16)
        .padStart(8, '0'),
    ).join('');
  }

  #one<T>(of: readonly T[]): T {
    return of[this.#below(of.length)] as T;
  }
}

const rule = (id: string, condition: Partial<Rule>): Rule => ({
  id,
  version: 1,
  mode: 'live',
  severity: 'low',
  key: 'userId',
  when: {},
  cooldown: 'PT1M',
  ...condition,
});
const file: RulesFile = {
  time: { disorder: 'PT30S', lateness: 'PT15S', maxAhead: 'PT5M' },
  rules: [
    rule('count', { when: { type: ['cancelled'] }, count: { atLeast: 3, within: 'PT5M' } }),
    rule('sum', { sum: { field: 'amountMinor', atLeast: 1_000, within: 'PT5M' } }),
    rule('distinct', { distinct: { field: 'tourId', atLeast: 3, within: 'PT2M' } }),
    rule('pairs', { pairs: { open: 'reserved', close: 'cancelled', on: 'bookingId', maxGap: 'PT2M', atLeast: 2, within: 'PT5M' } }),
    rule('session', { session: { gap: 'PT10S', atLeast: 5 } }),
  ],
};
const rules = compileRules(file);

const slide = 10_000;
const size = 6 * slide;
const disorder = 30_000;

/** Each record into its windows, in a plain Map: windows that are behind the watermark are told and forgotten. */
class PlainCounts {
  readonly #windows = new Map<number, Map<string, { count: number; sum: number }>>();
  readonly #seen = new Map<string, number>();
  #watermark = Number.NEGATIVE_INFINITY;

  add({ eventId, userId, occurredAt }: BookingEvent, value: number): string[] {
    const isLate = (time: number): boolean => time - (time % slide) + size - 1 <= this.#watermark;
    const before = this.#seen.get(eventId);
    if (isLate(occurredAt) || (before !== undefined && !isLate(before))) return [];
    this.#seen.set(eventId, occurredAt);
    for (let end = occurredAt - (occurredAt % slide) + slide, i = 0; i < size / slide; end += slide, i++) {
      if (end - 1 <= this.#watermark) continue;
      const window = this.#windows.get(end) ?? new Map<string, { count: number; sum: number }>();
      this.#windows.set(end, window);
      const { count, sum } = window.get(userId) ?? { count: 0, sum: 0 };
      window.set(userId, { count: count + 1, sum: sum + value });
    }
    if (occurredAt - disorder - 1 <= this.#watermark) return [];
    this.#watermark = occurredAt - disorder - 1;
    for (const [id, time] of this.#seen) {
      if (!isLate(time)) break; // mostly oldest first; what stays longer does no harm
      this.#seen.delete(id);
    }
    const told: string[] = [];
    for (const [end, window] of this.#windows) {
      if (end - 1 > this.#watermark) continue;
      this.#windows.delete(end);
      for (const [key, { count, sum }] of window) told.push(`${end} ${key} ${count} ${sum}`);
    }
    return told.sort();
  }
}

/** Inputs after which a new state is held against the oracle, which takes time quadratic in them. */
const segment = 500;
const segmentsJudged = 40;

describe('any input', () => {
  it(`through the codec and the engines: nothing throws, no count is wrong, memory is flat (${runs} inputs)`, function () {
    this.timeout(Math.max(10_000, runs));
    const below = randomOf(seed);
    const inputs = new Inputs(below);
    const lastTime = base + runs * meanStepMs * 2;
    const outcomes: Record<string, number> = {};
    const bump = (name: string): void => {
      outcomes[name] = (outcomes[name] ?? 0) + 1;
    };
    let state = ShardState.empty(rules, wholeRange);
    let told: string[] = [];
    const counts = new WindowCounts({ size, slide, disorder, summing: true }, ({ key, end, count, sum }) =>
      told.push(`${end} ${key} ${count} ${sum}`),
    );
    const plain = new PlainCounts();
    const raw = new WindowCounts({ size, slide, disorder, summing: true }, () => {});
    const bytes: number[] = [];
    let events: BookingEvent[] = [];
    let alerts: unknown[] = [];
    let judged = ShardState.empty(rules, wholeRange);
    const judgeEvery = Math.max(1, Math.floor(runs / segment / segmentsJudged));

    for (let i = 0; i < runs; i++) {
      const outcome = decodeBookingEvent(inputs.next(), undefined, lastTime);
      bump(outcome.kind === 'ok' ? 'decoded' : outcome.reason);
      if (outcome.kind === 'ok') {
        const event = outcome.value;
        const applied = state.apply(event, undefined);
        bump(applied.kind === 'used' ? 'used' : applied.reason);
        const value = Math.max(-1_000, Math.min(event.amountMinor, 1_000));
        told = [];
        counts.add(event.userId, event.eventId, event.occurredAt, value);
        assert.deepEqual(told.sort(), plain.add(event, value), `window counts after input ${i} of seed ${seed}`);
        events.push(event);
        const again = judged.apply(event, undefined);
        if (again.kind === 'used') alerts.push(...again.alerts);
      }
      assert.ok(takesOrRefuses(raw, below), `input ${i}`);
      if (i % segment === segment - 1) {
        if (Math.floor(i / segment) % judgeEvery === 0) {
          const records = events.map((event) => ({ event, arrival: Number.POSITIVE_INFINITY }));
          const expected = naiveAlerts({ shards: [{ shardId: 's', parents: [], range: wholeRange, records }], rules: file });
          assert.deepEqual(alerts, expected.alerts, `alerts of the ${segment} inputs before ${i} of seed ${seed}`);
          bump('judged');
        }
        events = [];
        alerts = [];
        judged = ShardState.empty(rules, wholeRange);
      }
      if (i % 2_000 === 1_999) {
        state = ShardState.restore(rules, state.snapshot());
        bytes.push(state.size.bytes + counts.size.bytes + raw.size.bytes);
      }
    }
    for (const name of ['decoded', 'used', 'late', 'duplicate', 'judged', 'invalid-event', 'unsupported-version']) {
      assert.ok((outcomes[name] ?? 0) > 0, `no input was ${name}: ${JSON.stringify(outcomes)}`);
    }
    const half = bytes.length >> 1;
    if (half > 1) {
      const [before, after] = [Math.max(...bytes.slice(0, half)), Math.max(...bytes.slice(half))];
      assert.ok(after < before * 1.25, `tables grew from ${before} to ${after} bytes`);
    }
  });
});

/** The parts of a record as they come, unchecked: it is counted or refused, and nothing else. */
function takesOrRefuses(counts: WindowCounts, below: (limit: number) => number): boolean {
  const any = <T>(sound: T): T => (below(3) === 0 ? (odd[below(odd.length)] as T) : sound);
  const before = counts.size;
  try {
    const outcome = counts.add(names[below(names.length)] as string, undefined, any(base + below(1_000_000)), any(below(100)));
    return ['used', 'late', 'duplicate', 'refused'].includes(outcome);
  } catch (error) {
    assert.ok(error instanceof WindowError && error.code === 'RECORD_INVALID', String(error));
    assert.deepEqual(counts.size, before);
    return true;
  }
}
