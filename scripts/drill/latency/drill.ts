import { setTimeout as sleep } from 'node:timers/promises';
import { flagHelp, parseFlags, preset } from '../../cli/flags.ts';
import { parseDuration } from '../../cli/values.ts';
import { shardsFor } from '../../demo/flags.ts';
import { conclude } from '../conclude.ts';
import { type DrillFlags, drillFlags } from '../flags.ts';
import { type Drill, type Outcome, runSession, type Session } from '../session.ts';
import { hopsOf, hopTable } from './hops.ts';
import { journeysOf } from './journeys.ts';

const flags = {
  duration: preset('DUR', 'how long is measured', '60s', parseDuration),
  ...drillFlags,
} as const;

const help = `How long an alert takes, from the change record to the subscriber, hop by hop, with all consumers and AWS's limits on.

Examples
  npm run drill -- latency --rate 500 --retrieval fanout
  npm run drill -- latency --rate 500 --duration 2m --json

Flags
${flagHelp(flags)}

Exit code: 0 measured and all accounted for, 1 not, 2 wrong usage, 130 Ctrl-C. The goals stand beside the figures and decide nothing.
`;

/** Alerts enough for a 99th percentile. */
const fewestAlerts = 200;
const episodeEveryMs = 200;
/** Not measured: code and caches are cold. */
const warmUpMs = 10_000;
/** How long a consumer rests between two reads. */
const polling = { 'event-router': { KCL_IDLE_MS: '250' }, 'fraud-detector': { KCL_IDLE_MS: '400' } } as const;
/** Of the whole way, ms. */
const goals = { fanout: { p50: 250, p99: 700 }, polling: { p50: 800, p99: 2_000 } } as const;

export const latencyDrill: Drill = {
  summary: 'from the change record to the published alert, hop by hop',
  async main(argv) {
    const given = parseFlags(flags, argv);
    if (given.help) {
      process.stdout.write(help);
      return 0;
    }
    const options = {
      flags: given,
      shards: shardsFor(given.rate, []),
      maxTrafficMs: warmUpMs + given.duration,
      episodeEveryMs,
      settings: async () => (given.retrieval === 'polling' ? polling : {}),
    };
    return runSession(options, (session) => measure(session, given.duration, given.retrieval));
  },
};

async function measure(session: Session, durationMs: number, retrieval: DrillFlags['retrieval']): Promise<Outcome> {
  const { say, signal, traffic } = session;
  await sleep(warmUpMs, undefined, { signal });
  const from = Date.now();
  say(`measuring for ${durationMs / 1_000} s`);
  await sleep(durationMs, undefined, { signal });
  const { evidence, result, text } = await conclude(session);
  const journeys = await journeysOf(session, traffic.log.records, evidence.publishedAlerts, { from, to: from + durationMs });
  const hops = hopsOf(journeys);
  const goal = goals[retrieval];
  const whole = hops.at(-1)?.ms ?? { p50: 0, p95: 0, p99: 0 };
  const met = whole.p50 <= goal.p50 && whole.p99 <= goal.p99;
  const enough = journeys.length >= fewestAlerts;
  return {
    ok: result.ok && enough,
    figures: { drill: 'latency', ...result, ok: result.ok && enough, retrieval, samples: journeys.length, hops, goal: { ...goal, met } },
    text: [
      `${journeys.length} alerts in ${durationMs / 1_000} s, ${retrieval}\n`,
      hopTable(hops),
      `  goal: p50 ${goal.p50} ms, p99 ${goal.p99} ms: ${met ? 'met' : 'not met'}\n\nverdict\n`,
      text,
      enough ? '' : `fewer than ${fewestAlerts} alerts were measured: give it more time\n`,
    ].join(''),
  };
}
