import { randomUUID } from 'node:crypto';
import { openObjectStore } from '../../services/lib/objects/open.ts';
import { ensureError, isPlatformError } from '../../services/lib/process/errors.ts';
import { rebuiltFromEvents } from '../../services/lib/warehouse/calendar.ts';
import type { Database } from '../../services/lib/warehouse/database.ts';
import type { Dialect } from '../../services/lib/warehouse/ddl.ts';
import { schemaDrift } from '../../services/lib/warehouse/drift.ts';
import { type Migration, migrations, schemaVersion } from '../../services/lib/warehouse/migrations.ts';
import { type Prepared, prepareWarehouse } from '../../services/lib/warehouse/prepare.ts';
import { loaderGrants } from '../../services/lib/warehouse/rights.ts';
import { UsageError } from '../cli/flags.ts';
import { actionOf, type MigrateFlags } from './flags.ts';
import { openWarehouse, type Place, type PlaceIo, setIn } from './place.ts';
import { readState, type SchemaState } from './state.ts';

export interface MigrateIo extends PlaceIo {
  /** Data; one line a call. */
  readonly out: (line: string) => void;
  /** Epoch ms. */
  readonly now: () => number;
  /** Who runs the command, as the machine knows them. */
  readonly operator: string;
}

interface Found extends SchemaState {
  /** Of --check, and of what --yes leaves. */
  readonly drift?: { readonly faults: readonly string[]; readonly extras: readonly string[] };
}

/** Exit code: 0 done, nothing to do, or a dry run; 1 --check found something, or --yes left something that no migration mends. */
export async function migrateCommand(flags: MigrateFlags, io: MigrateIo): Promise<number> {
  const action = actionOf(flags);
  if (action.kind === 'print' || action.kind === 'grants') {
    const statements = action.kind === 'grants' ? loaderGrants(action.user) : sqlOf(migrations, action.dialect);
    for (const statement of statements) io.out(`${statement};`);
    return 0;
  }
  const { database, place } = await openWarehouse(flags, io);
  const before = await look(database, action.kind === 'check');
  const timeZone = flags['time-zone'] ?? before.timeZone;
  if (flags.sql) for (const statement of sqlOf(before.pending, database.dialect)) io.out(`${statement};`);
  const done = action.kind === 'apply' ? await apply(database, place, timeZone, flags, io) : undefined;
  const drift = done === undefined ? before.drift : (await look(database, true)).drift;
  const found: Found = { ...before, ...(drift === undefined ? {} : { drift }) };
  const ok = action.kind === 'check' ? isSound(found) : drift === undefined || drift.faults.length === 0;
  if (flags.json) io.out(JSON.stringify({ type: 'result', ...place, ...figures(found, done), timeZone, dryRun: done === undefined, ok }));
  else for (const line of told(found, done, timeZone)) io.out(line);
  if (action.kind === 'show' && !flags.json) io.note('Nothing was changed: this is a dry run. --yes applies.');
  return ok ? 0 : 1;
}

async function look(database: Database, check: boolean): Promise<Found> {
  const session = await database.connect();
  try {
    const state = await readState(session);
    return check ? { ...state, drift: await schemaDrift(session) } : state;
  } finally {
    await session.close();
  }
}

async function apply(
  database: Database,
  place: Place,
  timeZone: string | undefined,
  flags: MigrateFlags,
  io: MigrateIo,
): Promise<Prepared> {
  if (timeZone === undefined) throw new UsageError('--time-zone ZONE is needed: the warehouse has no business time zone yet');
  const audit = auditTrail(place, flags, io);
  await audit('begun', { timeZone, rebuild: flags.rebuild });
  try {
    const done = await prepareWarehouse(database, timeZone, { rebuild: flags.rebuild });
    await audit('ended', { ...done });
    return done;
  } catch (error) {
    await audit('ended', { failed: isPlatformError(error) ? error.code : 'INTERNAL', message: ensureError(error).message });
    throw error;
  }
}

/** Who did what to a stage, as objects beside those of `replay`. Throws UsageError when there is nowhere to write it. */
function auditTrail(place: Place, flags: MigrateFlags, io: MigrateIo): (part: 'begun' | 'ended', line: object) => Promise<void> {
  const url = flags.objects ?? setIn(io.env, 'OBJECTS_URL');
  const local = place.stage === 'local';
  if (url === undefined && !local) throw new UsageError('--objects URL is needed (or OBJECTS_URL): where the audit line goes');
  if (url === undefined) return async () => undefined;
  const store = openObjectStore(url, { AWS_REGION: place.region, LOCAL_MODE: local });
  const run = `${new Date(io.now()).toISOString().replaceAll(':', '')}-${randomUUID()}`;
  return async (part, line) => {
    const body = { command: 'migrate', run, at: io.now(), user: io.operator, ...place, ...line };
    await store.create(`audit/migrate/${run}-${part}.json`, Buffer.from(`${JSON.stringify(body)}\n`), 'application/json');
  };
}

const sqlOf = (of: readonly Migration[], dialect: Dialect): string[] => of.flatMap((migration) => [...migration.statements(dialect)]);

const isSound = ({ applied, pending, timeZone, drift }: Found): boolean =>
  pending.length === 0 && timeZone !== undefined && applied.every(({ state }) => state !== 'changed') && drift?.faults.length === 0;

const figures = ({ applied, pending, drift }: Found, done: Prepared | undefined) => ({
  version: done?.version ?? Math.max(0, ...applied.map(({ version }) => version)),
  needed: schemaVersion,
  applied,
  pending: done === undefined ? pending.map(({ version, name }) => ({ version, name })) : [],
  ...(done === undefined ? {} : { appliedNow: done.applied, calendar: done.calendar }),
  ...drift,
});

const states = {
  same: '',
  newer: ' (of a newer build)',
  changed: ' (CHANGED since it was applied: restore it and add a new one)',
} as const;

function told({ applied, pending, drift, timeZone: was }: Found, done: Prepared | undefined, timeZone: string | undefined): string[] {
  const zone =
    timeZone === undefined
      ? 'not set yet: --time-zone ZONE sets it'
      : timeZone === was
        ? timeZone
        : `${timeZone}, until now ${was ?? 'none'}`;
  return [
    ...applied.map(({ version, name, state }) => `applied   ${version}  ${name}${states[state]}`),
    ...pending.map(({ version, name }) => `${done === undefined ? 'to apply ' : 'applied now'} ${version}  ${name}`),
    `business time zone: ${zone}${done === undefined ? '' : ` (calendar ${done.calendar})`}`,
    ...(done?.calendar === 'rebuilt' ? [`made anew from booking_event: ${rebuiltFromEvents}`] : []),
    ...(drift?.faults ?? []).map((fault) => `FAULT     ${fault}`),
    ...(drift?.extras ?? []).map((extra) => `no build made ${extra}`),
  ];
}
