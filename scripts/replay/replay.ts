import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { fileURLToPath } from 'node:url';
import pino from 'pino';
import type { ObjectStore } from '../../services/lib/objects/object-store.ts';
import { openObjectStore } from '../../services/lib/objects/open.ts';
import { Metrics } from '../../services/lib/process/metrics.ts';
import { Producer } from '../../services/lib/producer/producer.ts';
import { UsageError } from '../cli/flags.ts';
import { checkFlags, type ReplayFlags } from './flags.ts';
import { countByService, type Found, findLetters, type Selection } from './letters.ts';
import { sendLetters } from './send.ts';
import { Summary } from './summary.ts';
import { accountOf, openTarget, type Target } from './target.ts';

export interface ReplayIo {
  readonly env: NodeJS.ProcessEnv;
  /** Data; one line a call. */
  readonly out: (line: string) => void;
  /** Progress, for people. */
  readonly note: (line: string) => void;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** A person waits: a stream that takes nothing for this long is told, not waited for. */
const retryBudgetMs = 30_000;

/** Exit code: 0 done, 1 something could not be read or sent, 130 stopped on the way. */
export async function replay(flags: ReplayFlags, io: ReplayIo): Promise<number> {
  const { objectsUrl, service } = checkFlags(flags, io.env);
  const folder = objectsUrl.startsWith('file:') ? fileURLToPath(objectsUrl) : undefined;
  if (folder !== undefined && !existsSync(folder)) throw new UsageError(`--objects ${objectsUrl}: there is no such folder`);
  const isLocal = flags.endpoint !== undefined;
  const isLocalStore = isLocal || (URL.canParse(objectsUrl) && new URL(objectsUrl).searchParams.has('endpoint'));
  const store = openObjectStore(objectsUrl, { AWS_REGION: io.env['AWS_REGION'] ?? 'us-east-1', LOCAL_MODE: isLocalStore });
  const selection: Selection = { service, stream: flags.stream, reason: flags.reason, since: flags.since, again: flags.again };

  const summary = new Summary();
  for await (const found of findLetters(store, selection)) {
    if (io.signal.aborted) break;
    summary.add(found);
  }
  if (!flags.json) describe(summary, flags, io);
  const isNothing = summary.letters === 0 && summary.replayedBefore === 0 && summary.unreadable.length === 0;
  if (isNothing && !io.signal.aborted) await explainNothing(store, objectsUrl, io);
  for (const { key, error } of summary.unreadable) io.note(`unreadable: ${key}: ${error}`);

  const hasTarget = isLocal || flags.stage !== undefined;
  const target = hasTarget && summary.letters > 0 && !io.signal.aborted ? openTarget(flags.endpoint, io.env) : undefined;
  try {
    const account = target === undefined ? undefined : await accountOf(target, summary.streams[0] ?? '');
    if (target !== undefined)
      io.note(`${flags.stage === undefined ? 'local' : `stage ${flags.stage}`}: account ${account}, region ${target.region}`);
    const place = { stage: flags.stage ?? 'local', account, region: target?.region };
    const sent = flags.yes && target !== undefined ? await send(store, selection, target, summary, place, io) : undefined;
    for (const { key, error } of sent?.failed ?? []) io.note(`not sent: ${key}: ${error}`);
    const ok = summary.unreadable.length === 0 && (sent?.failed.length ?? 0) === 0 && !io.signal.aborted;
    if (flags.json) io.out(JSON.stringify({ type: 'result', ...figures(summary, flags), ...counts(sent), ...place, ok }));
    else if (sent !== undefined) io.out(`${sent.sent} sent, ${sent.failed.length} not sent`);
    else if (io.signal.aborted) io.note('stopped while dead letters were sought: nothing was sent');
    else if (summary.letters > 0) io.note('Nothing was sent: this is a dry run. --yes sends.');
    return io.signal.aborted ? 130 : ok ? 0 : 1;
  } finally {
    target?.kinesis.destroy();
  }
}

function describe(summary: Summary, flags: ReplayFlags, io: ReplayIo): void {
  if (summary.letters > 0) io.out(summary.table());
  const again = summary.replayedBefore > 0 ? `, ${summary.replayedBefore} replayed before (--again sends them too)` : '';
  io.note(`${summary.letters} dead letters of ${flags.service} to send${again}`);
}

/** A mistyped service or reason must not pass for good news. */
async function explainNothing(store: ObjectStore, objectsUrl: string, io: ReplayIo): Promise<void> {
  const counts = [...(await countByService(store))].map(([service, count]) => `${service} ${count}`).join(', ');
  io.note(
    counts === '' ? `there is no dead letter of any service in ${objectsUrl}` : `dead letters there, whatever their reason: ${counts}`,
  );
}

const figures = (summary: Summary, flags: ReplayFlags) => ({
  dryRun: !flags.yes,
  letters: summary.letters,
  replayedBefore: summary.replayedBefore,
  unreadable: summary.unreadable.length,
  byReason: summary.groups,
});
const counts = (sent: { sent: number; failed: readonly unknown[] } | undefined) => ({
  sent: sent?.sent ?? 0,
  failed: sent?.failed.length ?? 0,
});

async function send(
  store: ObjectStore,
  selection: Selection,
  target: Target,
  summary: Summary,
  place: { stage: string; account: string | undefined; region: string | undefined },
  io: ReplayIo,
) {
  const startedAt = io.now();
  const run = `${new Date(startedAt).toISOString().replaceAll(':', '')}-${randomUUID()}`;
  const audit = (part: string, line: object) =>
    store.create(`audit/replay/${run}-${part}.json`, Buffer.from(`${JSON.stringify(line)}\n`), 'application/json');
  const who = { command: 'replay', run, user: userInfo().username, ...place, ...selection };
  await audit('begun', { ...who, at: startedAt, letters: summary.letters, byReason: summary.groups });

  const producers = new Map<string, Producer>();
  const log = pino({ level: 'silent' });
  const producerOf = (stream: string): Producer => {
    let producer = producers.get(stream);
    if (producer === undefined) {
      producers.set(
        stream,
        (producer = new Producer({ kinesis: target.kinesis, streamName: stream, log, metrics: new Metrics(), lingerMs: 0, retryBudgetMs })),
      );
    }
    return producer;
  };
  const sent = await sendLetters(onlyLetters(findLetters(store, selection)), {
    store,
    producerOf,
    run,
    now: io.now,
    signal: io.signal,
    onProgress: (count) => io.note(`${count} of ${summary.letters} sent`),
  });
  for (const producer of producers.values()) await producer.close();
  await audit('ended', { ...who, at: io.now(), ...counts(sent) });
  return sent;
}

async function* onlyLetters(found: AsyncIterable<Found>) {
  for await (const each of found) if (each.kind === 'letter') yield each;
}
