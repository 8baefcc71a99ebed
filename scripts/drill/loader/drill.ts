import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { flagHelp, parseFlags, preset } from '../../cli/flags.ts';
import { parseDuration } from '../../cli/values.ts';
import { createRandom } from '../../generate/random.ts';
import { ObjectOutage } from '../../local/faults/object-outage.ts';
import { runCampaign } from '../campaign.ts';
import { conclude } from '../conclude.ts';
import { firstShards } from '../fault-list.ts';
import { faultTable } from '../fault-table.ts';
import { drillFlags } from '../flags.ts';
import { ServiceCounters } from '../service-counters.ts';
import { type Drill, type Outcome, runSession, type Session } from '../session.ts';
import { type LoaderFault, parseFaults, usualFaults } from './faults.ts';
import { judgedFigures, judgedText } from './judged.ts';
import { LoadWatch } from './load-watch.ts';
import { phasesOf, type Tools } from './phases.ts';
import { untilLoaded } from './recovery.ts';
import { Refused } from './refused.ts';

const flags = {
  faults: preset(
    'LIST',
    'NAME or NAME=N (N times, else once; refused only once), comma-separated, in this order; names: kill (child, jvm and task in turn), child, jvm, task, term, reshard, calm, warehouse, object-store, zombie, missing, refused',
    usualFaults,
    parseFaults,
  ),
  outage: preset('DUR', 'how long the warehouse is away; the object store for a third of it', '3m', parseDuration),
  within: preset('DUR', 'all faults must be done by then', '15m', parseDuration),
  ...drillFlags,
} as const;

const help = `The loader and a real PostgreSQL under every fault it must survive, one after the other, each when the last was recovered from: every consumer
reads without a lag, all that was registered is committed, new events are in the warehouse within 15 s. Then warehouse, ledger, bookings and figures
per hour are judged against the stream read back. Needs the Debian package postgresql.

Examples
  npm run drill -- loader                                        10 rounds, at most 15 minutes
  npm run drill -- loader --faults warehouse --outage 10m        the warehouse away for ten minutes
  npm run drill -- loader --faults zombie,refused --keep /tmp/l  some of it, and what it left behind

Flags
${flagHelp(flags)}

Exit code: 0 recovered from all and all accounted for, 1 not, 2 wrong usage, 130 Ctrl-C.
`;

const episodeEveryMs = 2_000;
const changesShards = 2;
/** A committer that was stopped within a load holds the gate for a minute until it is ended (defaultSessionLimits.lockMs); then comes what waited. */
const recoveryDeadlineMs = 240_000;

const counterNames = [
  'records_skipped',
  'sink_retries',
  'appends_lost',
  'swap_losses',
  'commits_unanswered',
  'commit_conflicts',
  'objects_faulty',
  'rows_quarantined',
  'rows_duplicate',
] as const;

export const loaderDrill: Drill = {
  summary: 'the loader under kills, reshards, a warehouse and an object store that are away, a zombie; every row judged',
  async main(argv) {
    const given = parseFlags(flags, argv);
    if (given.help) {
      process.stdout.write(help);
      return 0;
    }
    let objects: ObjectOutage | undefined;
    let refused: Refused | undefined;
    const options = {
      flags: given,
      shards: { 'booking-changes': changesShards, 'booking-events': firstShards },
      maxTrafficMs: given.within,
      episodeEveryMs,
      warehouse: 'server' as const,
      settings: async (stack: { readonly objectsUrl: string; readonly runDir: string }) => {
        objects = new ObjectOutage(fileURLToPath(stack.objectsUrl));
        refused = new Refused(join(stack.runDir, 'refused'));
        const preload = given.faults.some(({ kind }) => kind === 'refused') ? refused.preload.build() : {};
        return { 'redshift-loader': preload };
      },
    };
    return runSession(options, (session) => {
      if (objects === undefined || refused === undefined) throw new Error('the session has no object store');
      const outageMs = { warehouse: given.outage, objects: given.outage / 3 };
      return drill(session, given.faults, { objects, refused, outageMs, maxMs: given.within });
    });
  },
};

async function drill(
  session: Session,
  faults: readonly LoaderFault[],
  { maxMs, ...rest }: Pick<Tools, 'objects' | 'refused' | 'outageMs'> & { readonly maxMs: number },
): Promise<Outcome> {
  const { system, folder, say, signal, flags } = session;
  const startedAt = Date.now();
  const watch = await LoadWatch.of(system);
  const { history, registry } = watch;
  const random = createRandom(flags.seed, 'drill');
  const findings: string[] = [];
  const events: { readonly at: number; readonly what: string }[] = [];
  const tools: Tools = { ...rest, system, registry, history, random, signal, say, onFinding: (what) => findings.push(what) };
  const counters = new ServiceCounters(system, 'redshift-loader', counterNames);
  const watching = new AbortController();
  const watched = watch.run(AbortSignal.any([signal, watching.signal]));
  const campaign = await Promise.race([
    runCampaign(session, {
      faults: faults.map((fault) => phasesOf(fault, tools)),
      random,
      maxMs,
      counters,
      recovered: (since) => untilLoaded(session, history, { since, deadlineMs: recoveryDeadlineMs, onLook: () => counters.look() }),
      allWell: 'everything runs, events of every shard are in the warehouse',
      onEvent: (what) => events.push({ at: Date.now(), what }),
    }),
    watched.then(() => signal.throwIfAborted()).then(() => Promise.reject(new Error('nobody watches the warehouse any more'))),
  ]);
  say(campaign.broken ?? 'all faults are done');
  const { evidence, result, text } = await conclude(session, { refused: tools.refused.events });
  watching.abort();
  await watched;
  const broken = [...(campaign.broken === undefined ? [] : [campaign.broken]), ...findings];
  const ok = result.ok && broken.length === 0;
  const judged = judgedFigures(evidence);
  writeFileSync(join(folder.path, 'history.ndjson'), events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  return {
    ok,
    figures: { drill: 'loader', ...result, ok, judged, faults: campaign.rows, broken },
    text: [
      'faults\n',
      faultTable(campaign.rows, startedAt, 'the loader'),
      '\njudged\n',
      judgedText(judged),
      '\nverdict\n',
      text,
      ...broken.map((what) => `${what}\n`),
    ].join(''),
  };
}
