import type { BookingEvent } from '../../../services/lib/events/booking-event.ts';
import { ShardState } from '../../../services/lib/rules/shard-state.ts';
import { WindowCounts } from '../../../services/lib/windows/counts/window-counts.ts';
import { EventId } from '../../../services/lib/windows/tables/event-id.ts';
import { IdSet } from '../../../services/lib/windows/tables/id-set.ts';
import type { Figure } from '../harness/bench.ts';
import { collectGarbage } from './cpu.ts';
import { rulesWith, wholeRange } from './jobs.ts';
import { longestPauses, ranMs } from './pauses.ts';

const keyCounts = { '10K': 10_000, '200K': 200_000, '1M': 1_000_000 } as const;
/** Twice, so that what a key costs can be told from what its events cost. */
const eventsPerKey = 2;
const keyBar = 120;
const eventBar = 32;
/** Events take memory in chunks of this many bytes; the last is not full. */
const chunkBytes = 65_536;
const pauseBarMs = 50;
const startMs = Date.UTC(2026, 5, 1);
/** So long that the ids of all events are kept. */
const delayMs = 60_000;
const rules = rulesWith(delayMs);
const hopping = { size: 600_000, slide: 10_000, disorder: 2_000, maxDelay: delayMs };

/** Bytes per key and per event at several sizes, then snapshot, restore and pauses at the largest. */
export async function memoryFigures(report: (line: string) => void): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [name, keys] of Object.entries(keyCounts)) {
    const ids = filled(
      keys,
      () => new IdSet(),
      (set, i) => addTo(set, i),
      ({ bytes }) => bytes,
    );
    const rule = filled(
      keys,
      () => ShardState.empty(rules, wholeRange),
      applyTo(keys),
      ({ size }) => size.bytes,
    );
    const counts = filled(
      keys,
      () => new WindowCounts(hopping, () => {}),
      countIn(keys),
      ({ size }) => size.bytes,
    );
    const [ruleCost, countsCost] = [costs(keys, rule, ids), costs(keys, counts, ids)];
    report(`${name} keys: the process grew by ${(rule.grown / keys).toFixed(0)} bytes a key with ${2 * eventsPerKey} events, ids included`);
    const unit = 'bytes';
    const slack = chunkBytes / (eventsPerKey * keys);
    figures.push(
      { name: `ruleKeyBytes${name}`, label: `rule, ${name} keys: a key`, value: ruleCost.key, unit, atMost: keyBar },
      {
        name: `ruleEventBytes${name}`,
        label: `rule, ${name} keys: a retained event`,
        value: ruleCost.event,
        unit,
        atMost: eventBar + slack,
      },
      { name: `countsKeyBytes${name}`, label: `hopping, ${name} keys: a key`, value: countsCost.key, unit, atMost: keyBar },
      { name: `countsCellBytes${name}`, label: `hopping, ${name} keys: a key in a slice`, value: countsCost.event, unit, atMost: eventBar },
      { name: `idBytes${name}`, label: `both, ${name} keys: an id that may come again`, value: ids.last / (2 * eventsPerKey * keys), unit },
    );
    if (keys === keyCounts['1M']) figures.push(...(await pauseFigures(keys, rule.made, counts.made)));
  }
  return figures;
}

/** What a key and an event of it cost, by the tables with so many events per key and with twice as many. */
function costs(keys: number, tables: Filled<unknown>, ids: Filled<unknown>): { readonly key: number; readonly event: number } {
  const [half, whole] = [tables.first - ids.first, tables.last - ids.last];
  const event = (whole - half) / (eventsPerKey * keys);
  return { key: half / keys - eventsPerKey * event, event };
}

async function pauseFigures(keys: number, state: ShardState, counts: WindowCounts): Promise<Figure[]> {
  let next = 2 * eventsPerKey * keys;
  const apply = applyTo(keys);
  const rule = await longestPauses({
    snapshot: () => state.snapshot(),
    apply: () => apply(state, next++),
    restore: (frames) => ShardState.restoreStream(rules, frames),
  });
  let following = 2 * eventsPerKey * keys;
  const count = countIn(keys);
  const hops = await longestPauses({
    snapshot: () => counts.snapshot(),
    apply: () => count(counts, following++),
    restore: (frames) => WindowCounts.restoreStream(hopping, [{ frames }], () => {}),
  });
  const closeMs = ranMs(() => counts.advanceWatermark(counts.watermark + hopping.slide));
  return [
    ...pausesOf('rule', 'rule', rule),
    ...pausesOf('counts', 'hopping', hops),
    { name: 'countsCloseMs', label: 'hopping, 1M keys: a window closes', value: closeMs, unit: 'ms', atMost: pauseBarMs },
  ];
}

function pausesOf(name: string, label: string, pauses: Awaited<ReturnType<typeof longestPauses>>): Figure[] {
  const of = (what: string): string => `${label}, 1M keys: ${what}`;
  return [
    { name: `${name}SnapshotMs`, label: of('snapshot while events are applied'), value: pauses.snapshotMs, unit: 'ms' },
    { name: `${name}SnapshotMegabytes`, label: of('its size'), value: pauses.bytes / 1e6, unit: 'MB' },
    { name: `${name}SnapshotPauseMs`, label: of('longest pause for a frame of it'), value: pauses.pauseMs, unit: 'ms', atMost: pauseBarMs },
    { name: `${name}ApplyPauseMs`, label: of('longest apply meanwhile'), value: pauses.applyMs, unit: 'ms', atMost: pauseBarMs },
    { name: `${name}RestoreMs`, label: of('restore'), value: pauses.restoreMs, unit: 'ms' },
    {
      name: `${name}RestorePauseMs`,
      label: of('longest pause of the restore'),
      value: pauses.restorePauseMs,
      unit: 'ms',
      atMost: pauseBarMs,
    },
  ];
}

interface Filled<T> {
  readonly made: T;
  /** Bytes of the tables with half of the events, and with all. */
  readonly first: number;
  readonly last: number;
  /** By which the heap and typed arrays of the process have grown, after a collection. */
  readonly grown: number;
}

function filled<T>(keys: number, make: () => T, add: (to: T, i: number) => void, bytesOf: (of: T) => number): Filled<T> {
  const used = (): number => {
    collectGarbage();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = used();
  const made = make();
  for (let i = 0; i < eventsPerKey * keys; i++) add(made, i);
  const first = bytesOf(made);
  for (let i = eventsPerKey * keys; i < 2 * eventsPerKey * keys; i++) add(made, i);
  return { made, first, last: bytesOf(made), grown: used() - before };
}

const id = new EventId();
const addTo = (ids: IdSet, i: number): void => {
  id.parse(idText(i));
  if (!ids.has(id, 0)) ids.add(id, startMs, 0);
};

const userOf = (i: number, keys: number): string => `user-${String(i % keys).padStart(9, '0')}`;
/** Ten seconds for a round of all keys: a key's events lie in different slices. */
const timeOf = (i: number, keys: number): number => startMs + Math.floor((i / keys) * 10_000);

const countIn =
  (keys: number) =>
  (counts: WindowCounts, i: number): void =>
    void counts.add(userOf(i, keys), idText(i), timeOf(i, keys));

const applyTo =
  (keys: number) =>
  (state: ShardState, i: number): void =>
    void state.apply(cancellation(idText(i), userOf(i, keys), timeOf(i, keys)), undefined);

const idBytes = Buffer.alloc(16);

/** 32 hex digits, spread as those of a digest are. */
function idText(i: number): string {
  for (const [word, odd] of [0x9e3779b1, 0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f].entries())
    idBytes.writeInt32LE(Math.imul(i + 1, odd), 4 * word);
  return idBytes.toString('hex');
}

const cancellation = (eventId: string, userId: string, occurredAt: number): BookingEvent => ({
  schemaVersion: 1,
  eventId,
  type: 'cancelled',
  bookingId: 'b-1',
  version: 1,
  userId,
  tourId: 'tour-1',
  occurredAt,
  seats: 1,
  amountMinor: 1,
  currency: 'EUR',
  channel: 'web',
  source: 'sdk',
});
