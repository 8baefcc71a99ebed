import { createWriteStream, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { flagHelp, parseFlags, preset } from '../../cli/flags.ts';
import { parseDuration } from '../../cli/values.ts';
import { createRandom } from '../../generate/random.ts';
import { type DynamoProxy, startDynamoProxy } from '../../local/faults/dynamodb-proxy.ts';
import { ObjectOutage } from '../../local/faults/object-outage.ts';
import { AlertEvidence } from '../alert-evidence.ts';
import { runCampaign } from '../campaign.ts';
import { conclude } from '../conclude.ts';
import { firstShards } from '../fault-list.ts';
import { faultTable } from '../fault-table.ts';
import { drillFlags } from '../flags.ts';
import { untilRecovered } from '../recovery.ts';
import { type Drill, isKept, type Outcome, runSession, type Session } from '../session.ts';
import { detectorCounters } from './detector-counters.ts';
import { type FraudFault, parseFaults, usualFaults } from './faults.ts';
import { historyLines, lineageText, type TimedEvent, whereAllIs } from './history.ts';
import { phasesOf, type Tools } from './phases.ts';
import { Poison } from './poison.ts';
import { StateWatch } from './state-watch.ts';

const flags = {
  faults: preset(
    'LIST',
    'NAME or NAME=N (N times, else once; poison only once), comma-separated, in this order; names: kill (child, jvm and task in turn), child, jvm, task, term, reshard, alert-store, object-store, snapshot-store, zombie, reload, poison',
    usualFaults,
    parseFaults,
  ),
  outage: preset('DUR', 'how long a store is away', '60s', parseDuration),
  within: preset('DUR', 'all faults must be done by then', '30m', parseDuration),
  ...drillFlags,
} as const;

const help = `The fraud detector under every fault it must survive, one after the other, each when the last was recovered from; then every alert is
judged against the oracle over the stream read back, and every warehouse row against what was sent.

Examples
  npm run drill -- fraud                                         all of it, at most 30 minutes
  npm run drill -- fraud --faults kill=3,reshard=1 --kcl 3       some of it, on KCL 3.x
  npm run drill -- fraud --faults zombie --keep /tmp/zombie      one fault, and what it left behind

Flags
${flagHelp(flags)}

Exit code: 0 recovered from all and all accounted for, 1 not, 2 wrong usage, 130 Ctrl-C.
`;

/** Several a second and shard: a recovery is seen by the next alert. */
const episodeEveryMs = 300;
const changesShards = 2;
/** KCL 3.x may need two minutes and a half when its leader was killed. */
const recoveryDeadlineMs = 240_000;

export const fraudDrill: Drill = {
  summary: 'the fraud detector under kills, reshards, stores that are away and a zombie; every alert judged',
  async main(argv) {
    const given = parseFlags(flags, argv);
    if (given.help) {
      process.stdout.write(help);
      return 0;
    }
    let proxy: DynamoProxy | undefined;
    let objects: ObjectOutage | undefined;
    let snapshots: ObjectOutage | undefined;
    let poison: Poison | undefined;
    const options = {
      flags: given,
      shards: { 'booking-changes': changesShards, 'booking-events': firstShards },
      maxTrafficMs: given.within,
      episodeEveryMs,
      settings: async (stack: { readonly dynamoEndpoint: string; readonly objectsUrl: string; readonly runDir: string }) => {
        proxy = await startDynamoProxy({ target: stack.dynamoEndpoint, seed: given.seed });
        const folder = fileURLToPath(stack.objectsUrl);
        objects = new ObjectOutage(folder);
        const ofDetector = `${folder}-of-the-detector`;
        symlinkSync(folder, ofDetector);
        snapshots = new ObjectOutage(ofDetector);
        poison = new Poison(join(stack.runDir, 'poison'));
        const preload = given.faults.some(({ kind }) => kind === 'poison') ? poison.preload.build() : {};
        return { 'fraud-detector': { ...preload, DYNAMODB_ENDPOINT: proxy.endpoint, OBJECTS_URL: pathToFileURL(ofDetector).href } };
      },
    };
    try {
      return await runSession(options, (session) => {
        if (proxy === undefined || objects === undefined || snapshots === undefined || poison === undefined)
          throw new Error('the session has no proxy');
        const { system, signal } = session;
        const random = createRandom(given.seed, 'drill');
        return drill(
          session,
          { system, dynamo: proxy, objects, snapshots, poison, outageMs: given.outage, random, signal },
          given.faults,
          given.within,
        );
      });
    } finally {
      await proxy?.close();
    }
  },
};

async function drill(session: Session, tools: Tools, faults: readonly FraudFault[], maxMs: number): Promise<Outcome> {
  const { system, traffic, folder, say } = session;
  const startedAt = Date.now();
  const events: TimedEvent[] = [];
  const watch = await StateWatch.of(system);
  const evidence = new AlertEvidence((eventId) => traffic.answeredAt(eventId));
  const counters = detectorCounters(system);
  const onLook = async (): Promise<void> => void (await Promise.all([counters.look(), watch.look()]));
  const campaign = await runCampaign(session, {
    faults: faults.map((fault) => phasesOf(fault, tools)),
    random: tools.random,
    maxMs,
    counters,
    recovered: (since) => untilRecovered(session, evidence, { since, deadlineMs: recoveryDeadlineMs, onLook }),
    allWell: 'everything runs, alerts come from every shard',
    onEvent: (what) => events.push({ at: Date.now(), what }),
  });
  say(campaign.broken ?? 'all faults are done');
  const { evidence: left, result, text } = await conclude(session, { poisoned: tools.poison.buried });
  await watch.look();
  const ok = result.ok && campaign.broken === undefined;
  const history = { evidence: left, sightings: watch.sightings.all, events };
  const historyFile = join(folder.path, 'history.ndjson');
  await pipeline(Readable.from(historyLines(history)), createWriteStream(historyFile));
  return {
    ok,
    figures: { drill: 'fraud', ...result, ok, faults: campaign.rows, broken: campaign.broken ?? null },
    text: [
      'faults\n',
      faultTable(campaign.rows, startedAt, 'the detector'),
      `\nhistory, ${whereAllIs(historyFile, isKept(session.flags, ok))}\n`,
      lineageText(history),
      '\nverdict\n',
      text,
      campaign.broken === undefined ? '' : `${campaign.broken}\n`,
    ].join(''),
  };
}
