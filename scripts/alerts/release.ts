import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { AlertStore } from '../../services/fraud-detector/alert-store.ts';
import { UsageError } from '../cli/flags.ts';
import type { TableTarget } from '../cli/table-target.ts';
import { findAlerts } from './find.ts';
import type { ReleaseFlags } from './flags.ts';
import { type AlertsIo, openAlerts } from './io.ts';
import { readPointer, rulesTableName } from './published-rules.ts';
import { stateOf } from './view.ts';
import { counted, utc } from './words.ts';

const progressEvery = 500;

/** Who released what, beside the audit of the rules pointer. */
interface Audit {
  readonly rule: string;
  readonly since: number;
  readonly alerts: number;
  readonly released?: number;
}

/** Puts withheld and refused alerts of a rule back on the outbox. Exit code: 0 done, 1 refused, 130 stopped on the way. */
export async function releaseAlerts(flags: ReleaseFlags, io: AlertsIo): Promise<number> {
  const { rule } = flags;
  if (rule === undefined || flags.since === undefined) {
    const missing = [
      ...(rule === undefined ? ['--rule RULE is needed: whose withheld alerts?'] : []),
      ...(flags.since === undefined ? ['--since TIME is needed: from when on?'] : []),
    ];
    throw new UsageError(missing.join(' '));
  }
  const now = io.now();
  const since = flags.since(now);
  const target = await openAlerts(flags, io);
  try {
    const ids: string[] = [];
    const users = new Set<string>();
    let oldest = now;
    let refused = 0;
    for await (const record of findAlerts(target, { rule, since }, 'oldest first', { now, note: io.note })) {
      if (io.signal.aborted) return 130;
      const [{ alert, raisedAt }, state] = [record, stateOf(record)];
      if (state !== 'withheld' && state !== 'refused') continue;
      if (state === 'refused') refused++;
      oldest = Math.min(oldest, raisedAt);
      ids.push(alert.alertId);
      users.add(alert.key);
    }
    const from = ids.length === 0 ? '' : `, of ${counted(users.size, 'user')}, the oldest raised ${utc(oldest)} UTC`;
    io.note(`${counted(ids.length, 'withheld alert')} of ${rule} since ${utc(since)} UTC${from}`);
    if (refused > 0) io.note(`${refused} of them SNS refused; it does so again while its reason holds (npm run alerts -- show)`);
    const rulesTable = rulesTableName(flags['rules-table'], io.env);
    const isHeld = await isWithheld(target, rulesTable, rule);
    if (isHeld) io.note(`${rule} is still withheld: resume it first, and wait a minute, or its alerts are withheld again`);
    const released =
      flags.yes && !isHeld && ids.length > 0 ? await release(target, rulesTable, ids, { rule, since, alerts: ids.length }, io) : 0;
    const ok = !(flags.yes && isHeld) && !io.signal.aborted;
    const result = {
      type: 'result',
      dryRun: !flags.yes,
      rule,
      since,
      found: ids.length,
      refused,
      released,
      withheld: isHeld,
      ...target.place,
      ok,
    };
    if (flags.json) io.out(JSON.stringify(result));
    else if (flags.yes && !isHeld)
      io.out(`${counted(released, 'alert')} released; they are published within a minute, at the pace of the outbox`);
    else if (ids.length > 0) io.note(`Nothing was released${flags.yes ? '' : ': this is a dry run. --yes releases'}.`);
    return io.signal.aborted ? 130 : ok ? 0 : 1;
  } finally {
    target.dynamo.destroy();
  }
}

async function isWithheld({ dynamo }: TableTarget, rulesTable: string, rule: string): Promise<boolean> {
  const withheld = (await readPointer(dynamo, rulesTable))?.withheld ?? [];
  return withheld === 'all' || withheld.includes(rule);
}

/** How many were still off the outbox when it came to them. */
async function release(target: TableTarget, rulesTable: string, ids: readonly string[], what: Audit, io: AlertsIo): Promise<number> {
  const run = randomUUID();
  await audit(target, rulesTable, `${run}-begun`, what, io.now());
  const store = new AlertStore(target.dynamo, target.table);
  let released = 0;
  try {
    for (const [i, id] of ids.entries()) {
      if (io.signal.aborted) break;
      if (await store.release(id, io.signal)) released++;
      if ((i + 1) % progressEvery === 0) io.note(`${i + 1} of ${ids.length}`);
    }
  } finally {
    await audit(target, rulesTable, `${run}-ended`, { ...what, released }, io.now());
  }
  return released;
}

/** As the rules' own audits are written. */
async function audit({ dynamo, place }: TableTarget, rulesTable: string, id: string, what: Audit, now: number): Promise<void> {
  await dynamo.send(
    new PutItemCommand({
      TableName: rulesTable,
      Item: {
        item: { S: `audit#${new Date(now).toISOString()}#${id}` },
        by: { S: userInfo().username },
        action: { S: 'release' },
        details: { S: JSON.stringify({ ...what, ...place }) },
      },
    }),
  );
}
