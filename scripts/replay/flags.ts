import { type Flags, flag, option, UsageError } from '../cli/flags.ts';
import { parseInstant, parseLoopbackUrl, parseStage, parseText } from '../cli/values.ts';

export const replayFlags = {
  objects: option('URL', 'object store of the dead letters: file:///dir or s3://bucket/prefix; default $OBJECTS_URL', undefined, parseText),
  service: option('NAME', 'the service that gave the records up, such as event-router', undefined, parseText),
  stream: option('NAME', 'only records of this stream', undefined, parseText),
  reason: option('REASON', 'only dead letters of this reason', undefined, parseText),
  since: option('TIME', 'only records that arrived at or after it', undefined, parseInstant),
  endpoint: option('URL', 'local Kinesis (loopback)', undefined, parseLoopbackUrl),
  stage: option('STAGE', "the stage whose streams are written to, with the shell's AWS credentials and region", undefined, parseStage),
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
