import { durationMs } from '../../services/lib/rules/duration.ts';
import { type Flags, flag, option, UsageError } from '../cli/flags.ts';
import { parseInteger } from '../cli/values.ts';
import { counted } from './words.ts';

const maxTimeMs = 86_400_000;
const maxShards = 1_024;
const maxReshards = 100;
const maxEvents = Number.MAX_SAFE_INTEGER;

const file = (value: string): string => {
  if (value === '') throw new Error('expected a file');
  return value;
};

/** Rules are read before the events: standard input is theirs. */
const rulesFile = (value: string): string => {
  if (value === '-') throw new Error('standard input is for --events only; name a file');
  return file(value);
};

const list =
  (min: number, max: number) =>
  (text: string): number[] =>
    text.split(',').map(parseInteger(min, max));

/** As in the rules file. */
function isoDuration(text: string): string {
  if ((durationMs(text) ?? Number.POSITIVE_INFINITY) > maxTimeMs) throw new Error('expected an ISO 8601 duration up to P1D, such as PT30S');
  return text;
}

export const backtestFlags = {
  rules: option('FILE', 'the rules file', undefined, rulesFile),
  events: option('FILE', 'BookingEvent v1, one JSON object a line, of any size; - is standard input', undefined, file),
  against: option(
    'FILE',
    'another rules file, taken as what stands: tells which alerts --rules would take away, add or change',
    undefined,
    rulesFile,
  ),
  disorder: option('DUR', "instead of the rules file's time.disorder, such as PT30S", undefined, isoDuration),
  lateness: option('DUR', "instead of the rules file's time.lateness, such as PT15M", undefined, isoDuration),
  'restart-every': option(
    'N',
    'write all state to bytes and read it back after every N events; changes nothing',
    undefined,
    parseInteger(1, maxEvents),
  ),
  shards: option(
    'N[,N…]',
    'spread the users over N shards under one watermark; changes nothing (default 1)',
    undefined,
    list(1, maxShards),
  ),
  'reshard-at': option('K[,K…]', 'after event K, split or merge to the next number of --shards', undefined, list(1, maxEvents)),
  json: flag('end with one line {"type":"summary",…} instead of a summary for people'),
};

export type BacktestFlags = Flags<typeof backtestFlags>;

/** How the users are spread, and when that changes. It must not change a single alert. */
export interface ShardPlan {
  /** Numbers of shards, one phase after the other; at least one. */
  readonly counts: readonly number[];
  /** Events after which the next phase begins: rising, one fewer than `counts`. */
  readonly reshardAt: readonly number[];
  readonly restartEvery: number | undefined;
}

export interface Order {
  readonly rules: string;
  readonly events: string;
  readonly against: string | undefined;
  readonly time: { readonly disorder?: string; readonly lateness?: string };
  readonly plan: ShardPlan;
  readonly json: boolean;
}

/** What the flags mean together. Throws UsageError. */
export function orderOf(flags: BacktestFlags): Order {
  const { rules, events, against, disorder, lateness, json } = flags;
  if (rules === undefined || events === undefined) throw new UsageError('--rules FILE and --events FILE are needed');
  return {
    rules,
    events,
    against,
    time: { ...(disorder === undefined ? {} : { disorder }), ...(lateness === undefined ? {} : { lateness }) },
    plan: planOf(flags.shards, flags['reshard-at'] ?? [], flags['restart-every']),
    json,
  };
}

function planOf(shards: readonly number[] | undefined, reshardAt: readonly number[], restartEvery: number | undefined): ShardPlan {
  if (shards === undefined && reshardAt.length > 0) throw new UsageError('--reshard-at goes with --shards');
  const given = shards ?? [1];
  // `--shards 4 --reshard-at K` reads as: from one shard to four.
  const counts = given.length === 1 && reshardAt.length === 1 ? [1, ...given] : given;
  if (reshardAt.length > maxReshards) throw new UsageError(`--reshard-at takes at most ${maxReshards} events`);
  if (reshardAt.length !== counts.length - 1) {
    throw new UsageError(
      `--shards ${given.join(',')} needs ${counted(counts.length - 1, 'event')} in --reshard-at, got ${reshardAt.length}`,
    );
  }
  if (reshardAt.some((event, i) => event <= (reshardAt[i - 1] ?? 0))) throw new UsageError('--reshard-at must rise');
  return { counts, reshardAt, restartEvery };
}
