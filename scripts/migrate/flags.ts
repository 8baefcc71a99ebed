import type { Dialect } from '../../services/lib/warehouse/ddl.ts';
import { type Flags, flag, option, UsageError } from '../cli/flags.ts';
import { parseOneOf, parseStage, parseText } from '../cli/values.ts';

const dialects = ['redshift', 'postgres'] as const satisfies readonly Dialect[];

export const migrateFlags = {
  stage: option('STAGE', "the stage that is meant, with the shell's AWS credentials and region", undefined, parseStage),
  url: option(
    'URL',
    "the warehouse; default $WAREHOUSE_URL. Without --stage it must be on loopback, such as a running demo's",
    undefined,
    parseText,
  ),
  'time-zone': option(
    'ZONE',
    'business time zone, such as Europe/Berlin: needed the first time, kept after that',
    undefined,
    parseTimeZone,
  ),
  rebuild: flag(
    'make figures and bookings anew from the events: for events put in by hand, another time zone, or when the rules of its clock were changed for the past',
  ),
  check: flag(
    'apply nothing: exit 1 when a migration, a table, a view, a column or a row that must be is missing or another than it should be',
  ),
  sql: flag('print the SQL: of what is missing, or of everything in a --dialect, without a connection'),
  dialect: option(dialects.join('|'), 'with --sql, without --stage and --url', undefined, parseOneOf(...dialects)),
  grants: option('USER', 'print the statements that give the loader its rights, such as for IAMR:redshift-loader', undefined, parseUser),
  objects: option('URL', 'object store for the audit line of a stage, s3://bucket/prefix; default $OBJECTS_URL', undefined, parseText),
  'ca-file': option('FILE', 'PEM file of the authorities that may certify the warehouse; default $WAREHOUSE_CA_FILE', undefined, parseText),
  yes: flag('apply; without it nothing is changed'),
  json: flag('one JSON line on stdout'),
};

export type MigrateFlags = Flags<typeof migrateFlags>;

/** Asked before anything is applied: the calendar comes after the migrations. */
function parseTimeZone(text: string): string {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text }).format();
    return text;
  } catch {
    throw new Error('expected a time zone such as Europe/Berlin');
  }
}

function parseUser(text: string): string {
  if (!/^[\w:.@+=-]{1,128}$/.test(text)) throw new Error('expected a user such as IAMR:redshift-loader');
  return text;
}

export type Action =
  | { readonly kind: 'print'; readonly dialect: Dialect }
  | { readonly kind: 'grants'; readonly user: string }
  | { readonly kind: 'check' | 'show' | 'apply' };

/** What the flags mean together. Throws UsageError. */
export function actionOf({ check, sql, dialect, grants, yes, rebuild, stage, url, 'time-zone': timeZone }: MigrateFlags): Action {
  const offline = grants !== undefined || dialect !== undefined;
  if (offline && (stage !== undefined || url !== undefined || yes || check)) {
    throw new UsageError('--dialect and --grants print without a connection: leave --stage, --url, --check and --yes out');
  }
  if (grants !== undefined) return { kind: 'grants', user: grants };
  if (dialect !== undefined) {
    if (!sql) throw new UsageError('--dialect goes with --sql');
    return { kind: 'print', dialect };
  }
  if (check && (yes || rebuild || timeZone !== undefined))
    throw new UsageError('--check applies nothing: leave --yes, --rebuild and --time-zone out');
  return { kind: check ? 'check' : yes ? 'apply' : 'show' };
}
