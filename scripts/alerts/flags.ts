import { durationMs } from '../../services/lib/rules/duration.ts';
import { ruleModes } from '../../services/lib/rules/rules-file.ts';
import { type Flags, flag, option } from '../cli/flags.ts';
import { parseInstant, parseInteger, parseLoopbackUrl, parseOneOf, parseStage, parseText } from '../cli/values.ts';
import { states } from './view.ts';

const maxListed = 100_000;

/** A time, or as a duration how long ago; answers epoch ms for the time it is now. */
function since(text: string): (now: number) => number {
  const ago = durationMs(text);
  if (ago !== undefined) return (now) => now - ago;
  try {
    const at = parseInstant(text);
    return () => at;
  } catch {
    throw new Error('expected a time such as 2026-11-23T08:00:00Z, or how long ago, such as PT1H or P7D');
  }
}

export const targetFlags = {
  stage: option('STAGE', "the stage whose alerts are meant, with the shell's AWS credentials and region", undefined, parseStage),
  endpoint: option('URL', 'local DynamoDB (loopback); default $DYNAMODB_ENDPOINT', undefined, parseLoopbackUrl),
  table: option('NAME', 'the alerts table; default $ALERTS_TABLE, else fraud-alerts', undefined, parseText),
};
export type TargetFlags = Flags<typeof targetFlags>;

const filterFlags = {
  rule: option('RULE', 'only alerts of this rule', undefined, parseText),
  user: option('USER', 'only alerts of this user; without --since, of all times', undefined, parseText),
  mode: option(
    'MODE',
    'only alerts of rules that were live, or shadow',
    undefined,
    parseOneOf(...ruleModes.filter((mode) => mode !== 'off')),
  ),
  state: option(
    'STATE',
    'pending, published, withheld or refused; pending without --since: of all times',
    undefined,
    parseOneOf(...states),
  ),
  since: option('TIME', 'only alerts raised at or after it: a time, or how long ago, such as PT1H (default P1D)', undefined, since),
};
export type FilterFlags = Flags<typeof filterFlags>;

const rulesTableFlag = {
  'rules-table': option('NAME', 'the table of the rules pointer; default $RULES_TABLE, else fraud-rules', undefined, parseText),
};

const objectsFlag = {
  objects: option(
    'URL',
    'object store of the published rules: file:///dir or s3://bucket/prefix; default $OBJECTS_URL',
    undefined,
    parseText,
  ),
};

export const listFlags = {
  ...filterFlags,
  limit: option('N', 'at most so many, the newest (default 50)', 50, parseInteger(1, maxListed)),
  json: flag('one JSON object a line'),
  ...objectsFlag,
  ...rulesTableFlag,
  ...targetFlags,
};
export type ListFlags = Flags<typeof listFlags>;

export const showFlags = {
  json: flag('the alert as one JSON object'),
  rules: option(
    'FILE',
    'the rules file to hold the alert against; default: the published ones, else those of this build',
    undefined,
    parseText,
  ),
  ...objectsFlag,
  ...rulesTableFlag,
  ...targetFlags,
};
export type ShowFlags = Flags<typeof showFlags>;

export const exportFlags = {
  out: option('FILE', 'a new file, .ndjson or .csv', undefined, parseText),
  ...filterFlags,
  ...targetFlags,
};
export type ExportFlags = Flags<typeof exportFlags>;

export const releaseFlags = {
  rule: option('RULE', 'whose withheld and refused alerts are to be published after all', undefined, parseText),
  since: option('TIME', 'only alerts raised at or after it: a time, or how long ago, such as PT1H', undefined, since),
  yes: flag('release them; without it nothing is written'),
  json: flag('one JSON line on stdout'),
  ...rulesTableFlag,
  ...targetFlags,
};
export type ReleaseFlags = Flags<typeof releaseFlags>;
