import { type Flags, flag, option } from '../cli/flags.ts';
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

const share = parsePercent(maxFaultPercent);

export const trafficFlags = {
  rate: option('N', 'changes a second', 300, parseInteger(1, maxRate)),
  seed: option('N', 'same seed, same traffic', 7, parseInteger(0, 2 ** 31)),
  duplicates: option('P%', 'sent twice, byte for byte', 0.01, share),
  disorder: option('DUR', 'half of the records are sent up to DUR after they happened', 2_000, parseDisorder),
  late: option('P%', 'occurred 20 minutes before they are sent', 0.002, share),
  future: option('P%', 'occurred 10 minutes ahead of their arrival', 0.001, share),
  malformed: option('P%', 'broken in one of a dozen ways', 0.005, share),
} as const;

export const generateFlags = {
  format: option('F', 'changes: DynamoDB change records; events: canonical BookingEvents', 'changes', parseOneOf('changes', 'events')),
  out: option('FILE', 'NDJSON file; - is standard output (default)', undefined, String),
  stream: option('NAME', 'a Kinesis stream, in real time; needs --endpoint', undefined, String),
  endpoint: option('URL', 'Kinesis endpoint, loopback only', undefined, String),
  duration: option('DUR', 'how much traffic', 60_000, parseDuration),
  start: option('TIME', 'time of the first change in a file, ISO 8601 (default: now)', undefined, parseTime),
  ...trafficFlags,
  record: option('FILE', 'with --stream: one line per record put, with its position and what must become of it', undefined, String),
  help: flag('this text'),
} as const;

export type GenerateFlags = Flags<typeof generateFlags>;

function parseTime(text: string): number {
  const ms = Date.parse(text);
  if (!Number.isFinite(ms)) throw new Error('expected a time such as 2026-05-01T08:00:00Z');
  return ms;
}
