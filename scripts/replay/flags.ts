import { isLoopbackUrl } from '../../services/lib/process/config.ts';
import { type Flags, flag, option, UsageError } from '../cli/flags.ts';

const text = (value: string): string => {
  if (value === '') throw new Error('expected a text');
  return value;
};

function instant(value: string): number {
  const time = /^\d{4}-\d{2}-\d{2}(T.*(Z|[+-]\d{2}:\d{2}))?$/.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(time)) throw new Error('expected a time such as 2026-11-23 or 2026-11-23T08:00:00Z');
  return time;
}

function loopback(value: string): string {
  if (!isLoopbackUrl(value)) throw new Error('expected a loopback URL such as http://127.0.0.1:4567; for a stage use --stage');
  return value;
}

function stage(value: string): string {
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(value)) throw new Error('expected a stage such as staging');
  return value;
}

export const replayFlags = {
  objects: option('URL', 'object store of the dead letters: file:///dir or s3://bucket/prefix; default $OBJECTS_URL', undefined, text),
  service: option('NAME', 'the service that gave the records up, such as event-router', undefined, text),
  stream: option('NAME', 'only records of this stream', undefined, text),
  reason: option('REASON', 'only dead letters of this reason', undefined, text),
  since: option('TIME', 'only records that arrived at or after it', undefined, instant),
  endpoint: option('URL', 'local Kinesis (loopback)', undefined, loopback),
  stage: option('STAGE', "the stage whose streams are written to, with the shell's AWS credentials and region", undefined, stage),
  again: flag('also what was replayed before'),
  yes: flag('send; without it nothing is written'),
  json: flag('one JSON line on stdout'),
};

export type ReplayFlags = Flags<typeof replayFlags>;

/** What the flags mean together. Throws UsageError. */
export function checkFlags(flags: ReplayFlags, env: NodeJS.ProcessEnv): { readonly objectsUrl: string; readonly service: string } {
  const objectsUrl = flags.objects ?? env['OBJECTS_URL'];
  if (objectsUrl === undefined) throw new UsageError('--objects URL is needed (or OBJECTS_URL)');
  if (flags.service === undefined) throw new UsageError('--service NAME is needed: whose dead letters?');
  if (!/^[A-Za-z0-9._=@-]+$/.test(flags.service)) throw new UsageError(`--service ${flags.service}: not a service's name`);
  if (flags.stage !== undefined && flags.endpoint !== undefined) throw new UsageError('--stage or --endpoint, not both');
  if (flags.yes && flags.stage === undefined && flags.endpoint === undefined) {
    throw new UsageError('--yes needs --stage STAGE, or --endpoint URL for a local stream');
  }
  return { objectsUrl, service: flags.service };
}
