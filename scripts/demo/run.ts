import { setMaxListeners } from 'node:events';
import { SendLog } from '../generate/send-log.ts';
import { Sender } from '../generate/sender.ts';
import { recordsOf } from '../generate/source.ts';
import type { Verdict } from '../judge/judge.ts';
import { disturb } from './disturb.ts';
import { Figures } from './figures.ts';
import { type DemoFlags, type Disturbance, serviceNames, shardsFor } from './flags.ts';
import { type LocalSystem, startLocalSystem } from './local-system.ts';
import type { PageServer } from './page-server.ts';
import { untilAllRead } from './readiness.ts';
import type { RunFolder } from './run-folder.ts';
import { settle } from './settle.ts';
import type { Snapshot } from './snapshot.ts';
import { collectEvidence, verdictOf } from './verdict.ts';

/** A reader and a pause per shard, and the disturbances, wait on one signal. */
const maxWaiting = 200;
/** For the consumers of both streams; a judged run must never be trimmed. */
const leastKinesisBytes = 512 * 1_048_576;
const bytesPerRecord = 6_000;

export interface DemoRun {
  readonly flags: DemoFlags;
  readonly disturbances: readonly Disturbance[];
  readonly folder: RunFolder;
  readonly page: PageServer;
  readonly say: (text: string) => void;
  readonly onSnapshot: (snapshot: Snapshot) => void;
  /** Aborted: stop in order. */
  readonly signal: AbortSignal;
}

export interface DemoOutcome {
  /** Undefined for a run without an end of its own, or one that was stopped. */
  readonly verdict: Verdict | undefined;
  readonly last: Snapshot;
}

/** The demo from the first process to the last. Rejects when something could not start or ended by itself; nothing is left running either way. */
export async function runDemo(run: DemoRun): Promise<DemoOutcome> {
  const { flags, folder, page, say } = run;
  const failed = new AbortController();
  const signal = AbortSignal.any([run.signal, failed.signal]);
  setMaxListeners(maxWaiting, signal);
  const watching = new AbortController();
  let sender: Sender | undefined;
  let system: LocalSystem | undefined;
  const figures = new Figures({
    services: () => (system === undefined ? [] : serviceNames.map((name) => system?.services[name]).filter((s) => s !== undefined)),
    caught: () => system?.stack.caught() ?? [],
    locked: () => system?.guard.locked() ?? 0,
    warehouse: () => system?.warehouse,
    sent: () => sender?.figures.sent ?? 0,
  });
  const firsts = new Firsts(say);
  const show = (snapshot: Snapshot): void => {
    firsts.see(snapshot);
    page.publish(snapshot);
    run.onSnapshot(snapshot);
  };
  const watched = figures.watch(watching.signal, show);
  const log = new SendLog({ keep: flags.duration !== undefined, file: flags.record });
  try {
    system = await startLocalSystem({
      folder,
      shards: shardsFor(flags.rate, run.disturbances),
      kinesisBytes: Math.max(leastKinesisBytes, (flags.rate * bytesPerRecord * (flags.duration ?? 0)) / 1_000),
      retrieval: flags.retrieval,
      onProgress: say,
      onFailure: (error) => failed.abort(error),
      signal,
    });
    await untilAllRead(system, signal);
    say(`all consumers read after ${(performance.now() / 1_000).toFixed(1)} s`);
    say(`alerts meanwhile: npm run alerts -- list --endpoint ${system.stack.dynamoEndpoint} --objects ${system.stack.objectsUrl}`);
    sender = new Sender({
      kinesis: system.kinesis,
      streams: { changes: 'booking-changes', events: 'booking-events' },
      onSent: (record) => {
        log.add(record);
        figures.acknowledged(record);
      },
      now: Date.now,
      random: Math.random,
    });
    await send(run, system, sender, figures, signal);
    if (flags.duration === undefined) return { verdict: undefined, last: figures.snapshot() };
    const verdict = await judged(run, system, log, figures, signal);
    return { verdict, last: figures.snapshot() };
  } catch (error) {
    if (failed.signal.aborted) throw failed.signal.reason;
    if (!run.signal.aborted) throw error;
    return { verdict: undefined, last: figures.snapshot() };
  } finally {
    figures.enter(run.signal.aborted || failed.signal.aborted ? 'stopping' : figures.phase);
    await log.close();
    await system?.stop();
    watching.abort();
    await watched;
    show(figures.snapshot());
  }
}

/** How long a newcomer waits for something to look at, from the command on. */
class Firsts {
  readonly #say: (text: string) => void;
  readonly #seen = new Set<string>();

  constructor(say: (text: string) => void) {
    this.#say = say;
  }

  see({ totals, alerts, now }: Snapshot): void {
    if (totals.routed > 0) this.#once('first record processed', now);
    const [alert] = alerts.slice(-1);
    if (alert) this.#once('first alert published', alert.receivedAt);
  }

  #once(what: string, at: number): void {
    if (this.#seen.has(what)) return;
    this.#seen.add(what);
    this.#say(`${what} ${((at - performance.timeOrigin) / 1_000).toFixed(1)} s after the command`);
  }
}

/** The traffic and what is done to the system meanwhile. Resolves when both are over, or rejects when the signal aborts. */
async function send(run: DemoRun, system: LocalSystem, sender: Sender, figures: Figures, signal: AbortSignal): Promise<void> {
  const { flags } = run;
  const startMs = Date.now();
  const durationMs = flags.duration ?? Number.POSITIVE_INFINITY;
  figures.sending(startMs, flags.duration === undefined ? undefined : startMs + durationMs);
  const onStart = (what: string): void => {
    figures.disturbed(what);
    run.say(`${((Date.now() - startMs) / 1_000).toFixed(1)} s: ${what}`);
  };
  await Promise.all([
    sender.run(recordsOf({ ...flags, startMs, durationMs }), signal),
    disturb(run.disturbances, { services: system.services, kinesis: system.kinesis, onStart }, signal),
  ]);
  signal.throwIfAborted();
}

async function judged(run: DemoRun, system: LocalSystem, log: SendLog, figures: Figures, signal: AbortSignal): Promise<Verdict> {
  figures.enter('draining');
  run.say('sending is over; waiting until every consumer is done with it');
  const settled = await settle(system, log.records, run.flags['drain-timeout'], signal);
  figures.enter('judging');
  const verdict = verdictOf(await collectEvidence(system, log.records, settled), settled);
  const { ok } = verdict.result;
  figures.enter(ok ? 'passed' : 'failed', ok ? 'every record accounted for' : 'not every record is accounted for');
  return verdict;
}
