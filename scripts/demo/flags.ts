import { type Flags, flag, option, options, preset, UsageError } from '../cli/flags.ts';
import { parseDuration, parseInteger, parseOneOf } from '../cli/values.ts';
import { trafficFlags } from '../generate/flags.ts';

export const serviceNames = ['event-router', 'fraud-detector', 'redshift-loader'] as const;
export type ServiceName = (typeof serviceNames)[number];
export const streamNames = ['booking-changes', 'booking-events'] as const;
export type StreamName = (typeof streamNames)[number];

/** Something done to the running system, `at` ms after the first record was sent. */
export type Disturbance =
  | { readonly kind: 'kill' | 'restart'; readonly service: ServiceName; readonly at: number }
  | { readonly kind: 'reshard'; readonly stream: StreamName; readonly from: number; readonly to: number; readonly at: number };

const maxDurationMs = 3_600_000; // a judged run keeps its log in memory
const maxShards = 16; // a Node process each, per consumer

export const demoFlags = {
  duration: option(
    'DUR',
    'send for this long, then judge and end (default: until Ctrl-C, without a judgement)',
    undefined,
    parseJudgedDuration,
  ),
  ...trafficFlags,
  kill: options('SERVICE@T', 'kill -9 the whole service T after the first record, and start it again', parseStop('kill')),
  restart: options('SERVICE@T', 'SIGTERM, wait for its end, start it again', parseStop('restart')),
  reshard: options('STREAM:FROM-TO@T', 'start the stream with FROM shards and bring it to TO', parseReshard),
  retrieval: preset(
    'MODE',
    'how consumers read: polling, or fanout, each with a throughput of its own',
    'polling',
    parseOneOf('polling', 'fanout'),
  ),
  'drain-timeout': preset('DUR', 'how long consumers may take to finish what was sent', '2m', parseDuration),
  port: option('N', 'port of the page on 127.0.0.1 (default: any free one)', 0, parseInteger(1, 65_535)),
  json: flag('the result as one JSON line on standard output'),
  keep: option('DIR', 'run in this new folder and keep it: logs, objects, warehouse, what was published', undefined, String),
  record: option('FILE', 'one line per record put, with its position and what must become of it', undefined, String),
  help: flag('this text'),
} as const;

export type DemoFlags = Flags<typeof demoFlags>;

function parseJudgedDuration(text: string): number {
  const ms = parseDuration(text);
  if (ms < 1_000 || ms > maxDurationMs) throw new Error('expected 1s to 1h');
  return ms;
}

function parseStop(kind: 'kill' | 'restart') {
  return (text: string): Disturbance => {
    const [name = '', time] = text.split('@');
    const service = serviceNames.find((s) => s === name);
    if (service === undefined || time === undefined)
      throw new Error(`expected SERVICE@T such as event-router@15s; services: ${serviceNames.join(', ')}`);
    return { kind, service, at: parseDuration(time) };
  };
}

function parseReshard(text: string): Disturbance {
  const match = /^([a-z-]+):(\d+)-(\d+)@(.+)$/.exec(text);
  const stream = streamNames.find((s) => s === match?.[1]);
  if (match === null || stream === undefined) {
    throw new Error(`expected STREAM:FROM-TO@T such as booking-events:2-4@25s; streams: ${streamNames.join(', ')}`);
  }
  const shards = parseInteger(1, maxShards);
  const [from, to] = [shards(match[2] ?? ''), shards(match[3] ?? '')];
  if (from === to || to > from * 2 || to * 2 < from) throw new Error('one step goes to at most twice and at least half the shards');
  return { kind: 'reshard', stream, from, to, at: parseDuration(match[4] ?? '') };
}

/** In time order. Throws UsageError for what cannot happen within the run. */
export function disturbancesOf(flags: Pick<DemoFlags, 'kill' | 'restart' | 'reshard' | 'duration'>): Disturbance[] {
  const all = [...flags.kill, ...flags.restart, ...flags.reshard].sort((a, b) => a.at - b.at);
  const shards = new Map<StreamName, number>();
  for (const it of all) {
    if (flags.duration !== undefined && it.at >= flags.duration) {
      throw new UsageError(`--${it.kind} at ${it.at / 1_000}s: sending ends at ${flags.duration / 1_000}s`);
    }
    if (it.kind !== 'reshard') continue;
    const before = shards.get(it.stream) ?? it.from;
    if (before !== it.from) throw new UsageError(`--reshard ${it.stream}:${it.from}-${it.to}: the stream has ${before} shards by then`);
    shards.set(it.stream, it.to);
  }
  return all;
}

// AWS takes 1 MB/s a shard. A change record carries two images, an event behind the router its item once.
const changeBytes = 3_500;
const eventBytes = 1_400;
const shardBytes = 1_000_000;
const fewestShards = 2;

/** Shards at the start: what the rate needs, unless a reshard says from where. */
export function shardsFor(rate: number, disturbances: readonly Disturbance[]): Record<StreamName, number> {
  const needed = (bytes: number): number => Math.min(maxShards, Math.max(fewestShards, Math.ceil((rate * bytes) / shardBytes)));
  const first = (stream: StreamName): number | undefined => {
    const reshard = disturbances.find((it) => it.kind === 'reshard' && it.stream === stream);
    return reshard?.kind === 'reshard' ? reshard.from : undefined;
  };
  return {
    'booking-changes': first('booking-changes') ?? needed(changeBytes),
    'booking-events': first('booking-events') ?? needed(eventBytes),
  };
}
