import { type Flags, flag, option, preset } from '../cli/flags.ts';
import { parseDuration, parseInteger, parseOneOf, parsePercent } from '../cli/values.ts';

/** Disorder stays far inside the rules' lateness (15 min), so that a planted episode is never late. */
export const maxDisorderMs = 5 * 60_000;
const maxFaultPercent = 30;
export const maxRate = 5_000;

function parseDisorder(text: string): number {
  const ms = parseDuration(text);
  if (ms > maxDisorderMs) throw new Error('expected at most 5m');
  return ms;
}

const defaultSeed = '7';
const parseSeed = parseInteger(0, 2 ** 31);
const share = parsePercent(maxFaultPercent);

export const trafficFlags = {
  rate: preset('N', 'changes a second; planted fraud and repeats come on top', '300', parseInteger(1, maxRate)),
  seed: preset('N', 'same seed, same traffic', defaultSeed, parseSeed),
  duplicates: preset('P%', 'sent twice, byte for byte', '1%', share),
  disorder: preset('DUR', 'half of the records are sent up to DUR after they happened', '2s', parseDisorder),
  late: preset('P%', 'occurred 20 minutes before they are sent', '0.2%', share),
  future: preset('P%', 'occurred 10 minutes ahead of their arrival', '0.1%', share),
  malformed: preset('P%', 'broken in one of a dozen ways', '0.5%', share),
} as const;

/** For the help text; follows from `defaultEpisodeEveryMs` and the lengths of episodes. */
export const plantedPace = `Planted fraud comes on top of --rate at a fixed pace, and so do near misses, which stay one short of an alert: together about
8 changes a second at any --rate. So a low --rate gives mostly fraud: at 5 a second most of the traffic is planted, at 300 some 3 %.`;

export const generateFlags = {
  format: preset('F', 'changes: DynamoDB change records; events: canonical BookingEvents', 'changes', parseOneOf('changes', 'events')),
  out: option('FILE', 'NDJSON file; - is standard output (default)', undefined, String),
  stream: option('NAME', 'a Kinesis stream, in real time; needs --endpoint', undefined, String),
  endpoint: option('URL', 'Kinesis endpoint, loopback only', undefined, String),
  duration: preset('DUR', 'how much traffic', '1m', parseDuration),
  start: option('TIME', 'time of the first change in a file, ISO 8601 (default: now)', undefined, parseTime),
  ...trafficFlags,
  seed: preset('N', 'same seed and same --start, same bytes', defaultSeed, parseSeed),
  record: option('FILE', 'with --stream: one line per record put, with its position and what must become of it', undefined, String),
  help: flag('this text'),
} as const;

export type GenerateFlags = Flags<typeof generateFlags>;

function parseTime(text: string): number {
  const ms = Date.parse(text);
  if (!Number.isFinite(ms)) throw new Error('expected a time such as 2026-05-01T08:00:00Z');
  return ms;
}
