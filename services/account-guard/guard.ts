import { z } from 'zod';
import { ensureError, isPlatformError, PlatformError } from '../lib/process/errors.ts';
import type { Invocation } from '../lib/process/lambda.ts';
import type { Accounts } from './accounts.ts';
import { readAlertMessage, type SnsRecord, snsRecordSchema } from './alert-message.ts';

const eventSchema = z.object({ Records: z.array(z.unknown()).min(1) });

export interface GuardOptions {
  readonly accounts: Pick<Accounts, 'lock'>;
  readonly lockMs: number;
  readonly lockOnWarming: boolean;
  readonly now: () => number;
}

/**
 * One invocation. SNS sends one message in each; several are taken all the same: each is acted on, whatever becomes of the others.
 *
 * When any of them could not be, the invocation fails in the end. That is the only way to the function's dead-letter queue: Lambda runs
 * the event twice more (1 and 2 minutes later) and then puts it there. What was locked before is a duplicate then. A message that
 * no retry can cure goes the same way, its two further runs being in vain; no other message waits for it.
 */
export async function guardAccounts(event: unknown, options: GuardOptions, invocation: Invocation): Promise<void> {
  const parsed = eventSchema.safeParse(event);
  if (!parsed.success) {
    refuse(event, z.prettifyError(parsed.error), invocation);
    throw new PlatformError('PROTOCOL', 'the event is none of SNS');
  }
  const problems = await Promise.all(parsed.data.Records.map((record) => guardOne(record, options, invocation)));
  const failed = problems.filter((problem) => problem !== undefined);
  const [first] = failed;
  if (first === undefined) return;
  const retriable = failed.some((error) => isPlatformError(error) && error.retriable);
  const code = isPlatformError(first) ? first.code : 'INTERNAL';
  throw new PlatformError(code, `${failed.length} of ${problems.length} messages failed: ${first.message}`, { retriable, cause: first });
}

/** What went wrong with one message, logged and counted. */
async function guardOne(record: unknown, options: GuardOptions, invocation: Invocation): Promise<Error | undefined> {
  const parsed = snsRecordSchema.safeParse(record);
  if (!parsed.success) return refuse(record, z.prettifyError(parsed.error), invocation);
  const outcome = readAlertMessage(parsed.data, options);
  switch (outcome.kind) {
    case 'invalid':
      return refuse(record, outcome.error, invocation);
    case 'ignored': {
      const { reason, alertId } = outcome;
      invocation.metrics.count('alerts_ignored', 1, { reason });
      invocation.log.info({ event: 'alert.ignored', alertId, reason }, whyIgnored[reason]);
      return undefined;
    }
    case 'lock':
      return lock(outcome.alert, parsed.data, options, invocation);
  }
}

async function lock(
  alert: Parameters<Accounts['lock']>[0],
  { Sns }: SnsRecord,
  options: GuardOptions,
  { log, metrics }: Invocation,
): Promise<Error | undefined> {
  const { alertId, userId, ruleId } = alert;
  const onRetry = (err: Error): void => {
    metrics.count('lock_retries');
    log.debug({ event: 'lock.retried', alertId, userId, err }, 'another writer or a throttle: read again');
  };
  try {
    const { effect, account } = await options.accounts.lock(alert, options.lockMs, onRetry);
    const afterPublishMs = options.now() - Date.parse(Sns.Timestamp);
    metrics.count('alerts_handled', 1, { effect });
    if (effect !== 'duplicate') metrics.timing('publish_to_lock_ms', Math.max(0, afterPublishMs));
    const until = account?.status === 'locked' ? account.lockedUntil : undefined;
    log.info({ event: `account.${effect}`, alertId, userId, ruleId, lockedUntil: until, afterPublishMs }, effects[effect]);
    return undefined;
  } catch (thrown) {
    const err = ensureError(thrown);
    metrics.count('locks_failed');
    log.error({ event: 'lock.failed', alertId, userId, ruleId, messageId: Sns.MessageId, err }, 'the account is not locked yet');
    return err;
  }
}

const whyIgnored = {
  action: 'an alert that does not ask for a lock',
  mode: 'an alert of a rule that is not live locks nothing',
  warming: 'an alert that asks for a lock and may be short of evidence: it locks nothing (LOCK_ON_WARMING)',
} as const;

const effects = {
  locked: 'the account is locked',
  extended: 'the account was locked, now for longer',
  covered: 'the account is locked at least as long already',
  duplicate: 'this alert was acted on before',
} as const;

/** Logged whole: with its reason it must be enough to find out who sent it. */
function refuse(message: unknown, error: string, { log, metrics }: Invocation): Error {
  metrics.count('messages_invalid');
  log.error({ event: 'message.invalid', error, message }, 'not an alert: it goes to the dead-letter queue');
  return new PlatformError('PROTOCOL', `not an alert: ${error}`);
}
