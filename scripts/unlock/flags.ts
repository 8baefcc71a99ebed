import { type Flags, flag, option, UsageError } from '../cli/flags.ts';
import { parseLoopbackUrl, parseStage } from '../cli/values.ts';

/** Longer is no reason but a report; the audit item is bounded. */
const maxText = 500;

const text = (value: string): string => {
  const trimmed = value.trim();
  if (trimmed === '' || trimmed.length > maxText) throw new Error(`expected a text of 1 to ${maxText} characters`);
  return trimmed;
};

export const unlockFlags = {
  user: option('ID', 'whose account', undefined, text),
  reason: option('TEXT', 'why it is unlocked: kept for ever, for whoever asks later', undefined, text),
  by: option('NAME', 'who decided it', undefined, text),
  stage: option('STAGE', "the stage whose account is meant, with the shell's AWS credentials and region", undefined, parseStage),
  endpoint: option('URL', 'local DynamoDB (loopback); default $DYNAMODB_ENDPOINT', undefined, parseLoopbackUrl),
  table: option('NAME', 'table of the accounts; default $ACCOUNTS_TABLE, else accounts', undefined, text),
  yes: flag('unlock; without it nothing is written'),
  json: flag('one JSON line on stdout'),
};

export type UnlockFlags = Flags<typeof unlockFlags>;

/** What the flags mean together. Throws UsageError. */
export function checkFlags({ user, reason, by, yes }: UnlockFlags): {
  readonly user: string;
  readonly reason: string;
  readonly by: string;
} {
  if (user === undefined) throw new UsageError('--user ID is needed: whose account?');
  if (yes && reason === undefined) throw new UsageError('--yes needs --reason TEXT: why is it unlocked?');
  if (yes && by === undefined) throw new UsageError('--yes needs --by NAME: who decided it?');
  return { user, reason: reason ?? '', by: by ?? '' };
}
