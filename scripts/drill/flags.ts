import { type Flags, flag, option, preset } from '../cli/flags.ts';
import { parseDuration, parseInteger, parseOneOf } from '../cli/values.ts';
import { maxRate } from '../generate/flags.ts';

/** What every drill takes. */
export const drillFlags = {
  rate: preset('N', 'changes a second; planted fraud comes on top', '300', parseInteger(1, maxRate)),
  seed: preset('N', 'same seed, same traffic and same choices', '7', parseInteger(0, 2 ** 31)),
  retrieval: preset(
    'MODE',
    'how router and detector read: polling, or fanout, each with a throughput of its own',
    'polling',
    parseOneOf('polling', 'fanout'),
  ),
  kcl: preset('LINE', 'the KCL to run on, 2 or 3', '2', parseOneOf('2', '3')),
  'drain-timeout': preset('DUR', 'how long consumers may take to finish what was sent', '2m', parseDuration),
  json: flag('the result as one JSON line on standard output'),
  keep: option('DIR', 'run in this new folder and keep it: logs, objects, warehouse, history', undefined, String),
  help: flag('this text'),
} as const;

export type DrillFlags = Flags<typeof drillFlags>;
