import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { type Account, isLocked } from '../../services/account-guard/account-item.ts';
import { Accounts } from '../../services/account-guard/accounts.ts';
import { openTable } from '../cli/table-target.ts';
import { checkFlags, type UnlockFlags } from './flags.ts';

export interface UnlockIo {
  readonly env: NodeJS.ProcessEnv;
  /** Data; one line a call. */
  readonly out: (line: string) => void;
  /** For people. */
  readonly note: (line: string) => void;
  /** Epoch ms. */
  readonly now: () => number;
  /** Who runs the command, as the machine knows them: recorded beside `--by`. */
  readonly operator: string;
}

/** Exit code: 0 unlocked, not locked, or a dry run; 1 nobody ever locked such an account. */
export async function unlock(flags: UnlockFlags, io: UnlockIo): Promise<number> {
  const { user, reason, by } = checkFlags(flags);
  const table = flags.table ?? io.env['ACCOUNTS_TABLE'] ?? 'accounts';
  const { dynamo, place } = await openTable(flags, table, io);
  try {
    const accounts = new Accounts({ dynamo, table, now: io.now });
    const { account, history } = await accounts.look(user);
    const decision = flags.yes ? await accounts.unlock({ userId: user, by, reason, operator: io.operator }) : undefined;
    const unlocked = decision?.kind === 'unlock';
    const after = unlocked ? decision.account : account;
    const locked = isLocked(account, io.now());
    if (flags.json) {
      const status = account === undefined ? 'unknown' : locked && !unlocked ? 'locked' : 'not-locked';
      const result = { type: 'result', user, status, unlocked, dryRun: !flags.yes, ...place, account: after };
      io.out(
        JSON.stringify({
          ...result,
          history: history.map(plain).sort((a, b) => Number(a['at']) - Number(b['at'])),
          ok: account !== undefined,
        }),
      );
    } else if (account !== undefined) {
      for (const line of described(account, history, io.now())) io.out(line);
      if (unlocked) io.out(`Unlocked. Alert ${decision.lock.alertId} never locks this account again.`);
      else if (!locked || flags.yes) io.out('The account is not locked: there is nothing to do.');
      else io.note('Nothing was changed: this is a dry run. --yes with --reason TEXT and --by NAME unlocks.');
    }
    if (account === undefined) io.note(`No account of ${user} in table ${table}: no alert ever locked it. Is that the whole id?`);
    return account === undefined ? 1 : 0;
  } finally {
    dynamo.destroy();
  }
}

function described(account: Account, history: readonly Record<string, AttributeValue>[], now: number): string[] {
  return [
    `account ${account.userId}: ${stateOf(account, now)}`,
    ...history
      .map(eventOf)
      .sort()
      .map((line) => `  ${line}`),
  ];
}

function stateOf(account: Account, now: number): string {
  if (account.status === 'active') {
    return `unlocked at ${time(account.unlockedAt)} by ${account.unlockedBy}: ${account.unlockReason}`;
  }
  const { lockedAt, lockedUntil, alertId, reason } = account;
  if (!isLocked(account, now)) return `its lock ran out at ${time(lockedUntil)} (alert ${alertId}, ${reason})`;
  return `locked since ${time(lockedAt)} until ${time(lockedUntil)} (alert ${alertId}, ${reason})`;
}

/** An item of what was done, for machines. */
const plain = (item: Readonly<Record<string, AttributeValue>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(item).map(([name, { S, N }]) => [name, N === undefined ? S : Number(N)]));

/** One line of what was done; sorted, the lines are in order of time. */
function eventOf(item: Readonly<Record<string, AttributeValue>>): string {
  const read = (name: string): string => item[name]?.S ?? item[name]?.N ?? '';
  const at = time(Number(read('at')));
  if (item['by'] === undefined) return `${at}  ${read('effect')} by alert ${read('alertId')}, ${read('reason')}`;
  return `${at}  unlocked by ${read('by')} (${read('operator')}), alert ${read('alertId')}: ${read('reason')}`;
}

const time = (epochMs: number): string => new Date(epochMs).toISOString();
