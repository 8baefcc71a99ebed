import type { BookingEvent } from '../../services/lib/events/booking-event.ts';
import { cpuSeconds } from './engine/cpu.ts';
import { type Contest, contests, type Job } from './engine/jobs.ts';
import { memoryFigures } from './engine/memory.ts';
import { eventsPerSecond, Traffic, tours, users } from './engine/traffic.ts';
import { type Bench, type Figure, median } from './harness/bench.ts';

const chunkEvents = 100_000;
/** Until every window and every rule's span is full: 10 minutes of events and a little. */
const warmChunks = Math.ceil((eventsPerSecond * 640) / chunkEvents);
const timedChunks = 6;
const documentRounds = 3;
const documents = 50_000;
const parseBar = 100_000;
const seed = 7;

export const bench: Bench = {
  flags: {},
  summary: 'the rule and window engine beside Map + JSON.parse, its memory per key and event, and its pauses at 1 M keys',

  async run(report, signal) {
    report(
      `${users.toLocaleString('en-US')} users, ${tours.toLocaleString('en-US')} tours, ${eventsPerSecond.toLocaleString('en-US')} events a second of event time, up to 2 s out of order; events per core-second, ids de-duplicated`,
    );
    const all = contests();
    const steps = stepRates(all, report, signal);
    const parsed = documentRates(all, report, signal);
    const figures = all.flatMap((contest, i): Figure[] => {
      const { name, label, bar, flink } = contest;
      const { engine, plain } = parsed[i] as Rates;
      const unit = 'events/core-s';
      return [
        { name: `${name}StepPerSecond`, label: `${label}: the step alone`, value: median(steps[i]?.engine ?? []), unit, atLeast: bar },
        {
          name: `${name}StepToPlain`,
          label: `${label}: the step alone, engine : Map`,
          value: ratio(steps[i] as Rates),
          unit: '',
        },
        {
          name: `${name}JsonPerSecond`,
          label: `${label}: from 1 KB JSON (Flink 2.1: ${flink})`,
          value: median(engine),
          unit,
          atLeast: parseBar,
        },
        { name: `${name}PlainPerSecond`, label: `${label}: Map + JSON.parse`, value: median(plain), unit },
        {
          name: `${name}ToPlain`,
          label: `${label}: engine : Map, both from JSON`,
          value: ratio(parsed[i] as Rates),
          unit: '',
        },
      ];
    });
    report('Flink 2.1.x: one JVM, parallelism 1, state on the heap, measured on a comparable machine from the same kind of documents');
    return [...figures, ...(await memoryFigures(report))];
  },
};

interface Rates {
  readonly engine: number[];
  readonly plain: number[];
}

const traffic = new Traffic(seed);

/** Events per core-second from parsed events, of the engines and the plain models, once all windows are full. */
function stepRates(all: readonly Contest[], report: (line: string) => void, signal: AbortSignal): Rates[] {
  const rates = all.map((): Rates => ({ engine: [], plain: [] }));
  for (let chunk = 0; chunk < warmChunks + timedChunks; chunk++) {
    signal.throwIfAborted();
    const events = traffic.chunk(chunkEvents);
    for (const [i, contest] of all.entries()) {
      for (const side of ['engine', 'plain'] as const) {
        const timed = chunk >= warmChunks;
        if (timed) rates[i]?.[side].push(events.length / cpuSeconds(() => applyAll(contest[side], events)));
        else applyAll(contest[side], events);
      }
      assertSame(contest);
    }
    if (chunk % 8 === 7) report(`${((chunk + 1) * chunkEvents).toLocaleString('en-US')} events: the same results as the plain models`);
  }
  return rates;
}

/** The same with JSON.parse of documents of 1 KB before each step, of the engines and the plain models. */
function documentRates(all: readonly Contest[], report: (line: string) => void, signal: AbortSignal): Rates[] {
  const rates = all.map((): Rates => ({ engine: [], plain: [] }));
  for (let round = 1; round <= documentRounds; round++) {
    const bytes = traffic.documents(documents);
    for (const [i, contest] of all.entries()) {
      signal.throwIfAborted();
      for (const side of ['engine', 'plain'] as const) {
        const seconds = cpuSeconds(() => parseAll(contest[side], bytes));
        rates[i]?.[side].push(bytes.length / seconds);
      }
      assertSame(contest);
    }
    report(`round ${round} of ${documentRounds} from JSON: ${rates.map(({ engine }) => per(engine.at(-1))).join(', ')} events/core-s`);
  }
  return rates;
}

function applyAll(job: Job, events: readonly BookingEvent[]): void {
  for (const event of events) job.apply(event);
}

function parseAll(job: Job, bytes: readonly Buffer[]): void {
  for (const document of bytes) job.apply(JSON.parse(document.toString()) as BookingEvent);
}

/** A figure of wrong results would be worth nothing. */
function assertSame({ label, engine, plain }: Contest): void {
  const [mine, theirs] = [engine.take(), plain.take()];
  const at = mine.findIndex((line, i) => line !== theirs[i]);
  if (at === -1 && mine.length === theirs.length) return;
  throw new Error(
    `${label}: the engine told ${mine[at] ?? 'nothing'} (${mine.length}), the plain model ${theirs[at] ?? 'nothing'} (${theirs.length})`,
  );
}

const ratio = ({ engine, plain }: Rates): number => median(engine.map((rate, i) => rate / (plain[i] ?? Number.NaN)));

const per = (rate: number | undefined): string => Math.round(rate ?? 0).toLocaleString('en-US');
