import { type CredentialSource } from '../../test/conformance/kinesis/targets/aws.ts';
import { type Flags, flag, option, UsageError } from '../cli/flags.ts';
import { parseOneOf } from '../cli/values.ts';

export const conformanceFlags = {
  kinesis: option(
    'TARGET',
    'local (this repository), kinesis-local (npm, by others) or aws (a real account, costs money)',
    undefined,
    parseOneOf('local', 'kinesis-local', 'aws'),
  ),
  vectors: option(
    'FILE',
    'windows instead of a Kinesis: the cases of a file such as test/conformance/windows/window-vectors.json',
    undefined,
    path,
  ),
  only: option('PATTERN', 'checks whose statement (vectors whose id) fits this regular expression', undefined, pattern),
  http1: flag('local: over HTTP/1.1 instead of HTTP/2'),
  json: flag('one JSON line a check on stdout, {"id","ok","error"?}, or a vector, {"id","ok","got"?}, then {"type":"summary",…}'),
  list: flag('print the checks with what they cite, and run nothing'),
  region: option('REGION', 'aws: the region', undefined, region),
  profile: option('NAME', 'aws: a profile of the AWS configuration files', undefined, word),
  'credentials-env': option('PREFIX', 'aws: credentials in PREFIX_ACCESS_KEY_ID, …SECRET_ACCESS_KEY, …SESSION_TOKEN', undefined, word),
  'yes-this-costs-money': flag('aws: run, within the budget that is printed first'),
};

export type ConformanceFlags = Flags<typeof conformanceFlags>;

export interface VectorChoice {
  readonly file: string;
  readonly only: RegExp | undefined;
  readonly list: boolean;
  readonly json: boolean;
}

export type Chosen =
  | { readonly target: 'local' | 'kinesis-local' }
  | { readonly target: 'aws'; readonly region: string; readonly credentials: CredentialSource; readonly confirmed: boolean };

/** What the flags mean together. A real account is only ever chosen by its own flags. Throws UsageError. */
export function chosen(flags: ConformanceFlags): Chosen {
  const { kinesis, region, profile, 'credentials-env': envPrefix, 'yes-this-costs-money': confirmed } = flags;
  if (kinesis === undefined) throw new UsageError('say against what: --kinesis local, kinesis-local or aws, or --vectors FILE');
  if (flags.http1 && kinesis !== 'local') throw new UsageError('--http1 is for --kinesis local');
  if (kinesis !== 'aws') {
    const stray = Object.entries({ region, profile, 'credentials-env': envPrefix }).find(([, value]) => value !== undefined)?.[0];
    if (stray !== undefined || confirmed) throw new UsageError(`--${stray ?? 'yes-this-costs-money'} is for --kinesis aws`);
    return { target: kinesis };
  }
  if (region === undefined) throw new UsageError('--kinesis aws needs --region');
  if (profile !== undefined && envPrefix !== undefined) throw new UsageError('--kinesis aws takes one of --profile and --credentials-env');
  if (profile === undefined && envPrefix === undefined) {
    throw new UsageError('--kinesis aws needs either --profile or --credentials-env: the default credentials are never used');
  }
  const credentials = profile === undefined ? { envPrefix: `${envPrefix?.replace(/_$/, '')}_` } : { profile };
  return { target: 'aws', region, credentials, confirmed };
}

/** The vectors to run; undefined when a Kinesis is meant. Throws UsageError for flags of both. */
export function chosenVectors(flags: ConformanceFlags): VectorChoice | undefined {
  const { vectors: file, only, list, json, ...ofKinesis } = flags;
  if (file === undefined) return undefined;
  const stray = Object.entries(ofKinesis).find(([, value]) => value !== undefined && value !== false)?.[0];
  if (stray !== undefined) throw new UsageError(`--${stray} is for a Kinesis; --vectors is about windows`);
  return { file, only, list, json };
}

function pattern(text: string): RegExp {
  try {
    return new RegExp(text, 'i');
  } catch {
    throw new Error('expected a regular expression');
  }
}

function path(text: string): string {
  if (text === '') throw new Error('expected a path');
  return text;
}

function region(text: string): string {
  if (!/^[a-z]{2}(-[a-z]+)+-\d$/.test(text)) throw new Error('expected a region such as eu-central-1');
  return text;
}

function word(text: string): string {
  if (!/^[\w.@-]+$/.test(text)) throw new Error('expected a name');
  return text;
}
