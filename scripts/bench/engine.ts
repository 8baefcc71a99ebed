import { type Answer, type Ask, Contestant, withProgram } from './engine/contestant.ts';
import { type Contest, contests } from './engine/jobs.ts';
import { memoryFigures } from './engine/memory.ts';
import { eventsPerSecond, tours, users } from './engine/traffic.ts';
import { type Bench, type Figure, median } from './harness/bench.ts';

const chunkEvents = 100_000;
/** Until every window and every rule's span is full: 10 minutes of events and a little. */
const warmChunks = Math.ceil((eventsPerSecond * 640) / chunkEvents);
const timedChunks = 11;
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
    const figures: Figure[] = [];
    await withProgram(async (program) => {
      for (const contest of contests) figures.push(...contestFigures(contest, await ratesOf(contest, program, report, signal)));
    });
    report('Flink 2.1.x: one JVM, parallelism 1, state on the heap, measured on a comparable machine from the same kind of documents');
    return [...figures, ...(await memoryFigures(report))];
  },
};

function contestFigures({ name, label, bar, flink }: Contest, { parsed, documents: fromJson }: ContestRates): Figure[] {
  const unit = 'events/core-s';
  return [
    { name: `${name}StepPerSecond`, label: `${label}: the step alone`, value: median(parsed.engine), unit, atLeast: bar },
    { name: `${name}StepToPlain`, label: `${label}: the step alone, engine : Map`, value: ratio(parsed), unit: '' },
    {
      name: `${name}JsonPerSecond`,
      label: `${label}: from 1 KB JSON (Flink 2.1: ${flink})`,
      value: median(fromJson.engine),
      unit,
      atLeast: parseBar,
    },
    { name: `${name}PlainPerSecond`, label: `${label}: Map + JSON.parse`, value: median(fromJson.plain), unit },
    { name: `${name}ToPlain`, label: `${label}: engine : Map, both from JSON`, value: ratio(fromJson), unit: '' },
  ];
}

interface Rates {
  readonly engine: number[];
  readonly plain: number[];
}

interface ContestRates {
  readonly parsed: Rates;
  readonly documents: Rates;
}

/** Events per core-second of both sides once all windows are full; what they tell must be the same. */
async function ratesOf(
  { name, label }: Contest,
  program: string,
  report: (line: string) => void,
  signal: AbortSignal,
): Promise<ContestRates> {
  const [engine, plain] = [new Contestant(program, name, 'engine', seed), new Contestant(program, name, 'plain', seed)];
  const rates: ContestRates = { parsed: { engine: [], plain: [] }, documents: { engine: [], plain: [] } };
  try {
    for (let chunk = 0; chunk < warmChunks; chunk++) {
      const ask = { events: chunkEvents, as: 'parsed' } as const;
      const [mine, theirs] = await Promise.all([engine.ask(ask, signal), plain.ask(ask, signal)]);
      assertSame(label, mine, theirs);
    }
    const timed = [
      ...Array.from({ length: timedChunks }, (): Ask => ({ events: chunkEvents, as: 'parsed' })),
      ...Array.from({ length: documentRounds }, (): Ask => ({ events: documents, as: 'documents' })),
    ];
    for (const ask of timed) {
      // One at a time: they must not take each other's memory bandwidth.
      const mine = await engine.ask(ask, signal);
      const theirs = await plain.ask(ask, signal);
      assertSame(label, mine, theirs);
      rates[ask.as].engine.push(ask.events / mine.seconds);
      rates[ask.as].plain.push(ask.events / theirs.seconds);
    }
    report(`${label}: the same results as the plain model, ${per(median(rates.parsed.engine))} events/core-s`);
    return rates;
  } finally {
    await Promise.all([engine.stop(), plain.stop()]);
  }
}

/** A figure of wrong results would be worth nothing. */
function assertSame(label: string, { told: mine }: Answer, { told: theirs }: Answer): void {
  const at = mine.findIndex((line, i) => line !== theirs[i]);
  if (at === -1 && mine.length === theirs.length) return;
  throw new Error(
    `${label}: the engine told ${mine[at] ?? 'nothing'} (${mine.length}), the plain model ${theirs[at] ?? 'nothing'} (${theirs.length})`,
  );
}

const ratio = ({ engine, plain }: Rates): number => median(engine.map((rate, i) => rate / (plain[i] ?? Number.NaN)));

const per = (rate: number | undefined): string => Math.round(rate ?? 0).toLocaleString('en-US');
