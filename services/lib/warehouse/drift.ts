import { businessCalendar } from './business-days.ts';
import { readTimeZone } from './calendar.ts';
import type { Column } from './columns.ts';
import type { Session } from './database.ts';
import type { Dialect } from './ddl.ts';
import { historyTable } from './migrations.ts';
import { fraudAlertGate, loadGate, tables } from './model.ts';
import { businessDaySwitch, dimDate, warehouseSetting } from './model-reporting.ts';
import { literal } from './sql.ts';
import { type View, views } from './views.ts';

export interface SchemaDrift {
  /** What this build needs and does not find: a table, a view, a column, its type, whether it takes null, a row. One line each. */
  readonly faults: readonly string[];
  /** Tables, views and columns that no build made. They do no harm; somebody should know them. */
  readonly extras: readonly string[];
}

/** What stands in the schema that unqualified names lead to, held against the model, in either dialect. */
export async function schemaDrift(session: Session): Promise<SchemaDrift> {
  const schema = await currentSchema(session);
  const found = await foundColumns(session, schema);
  const names = new Set(found.keys());
  const faults: string[] = [];
  const extras: string[] = [];
  for (const table of tables) {
    const columns = found.get(table.name);
    found.delete(table.name);
    if (columns === undefined) {
      faults.push(`table ${table.name} is missing`);
      continue;
    }
    for (const column of table.columns) {
      const stands = columns.get(column.name);
      columns.delete(column.name);
      const needed = describe(column, session.dialect);
      if (stands === undefined) faults.push(`column ${table.name}.${column.name} is missing; it is ${needed}`);
      else if (stands !== needed) faults.push(`column ${table.name}.${column.name} is ${stands}, not ${needed}`);
    }
    extras.push(...[...columns.keys()].map((name) => `column ${table.name}.${name}`));
  }
  const comments = await viewComments(session, schema);
  for (const view of views) {
    faults.push(...viewFaults(view, found.get(view.name), comments.get(view.name)));
    found.delete(view.name);
  }
  faults.push(...(await rowFaults(session, names)));
  extras.push(...[...found.keys()].filter((name) => name !== historyTable).map((name) => `table or view ${name}`));
  return { faults, extras: extras.sort() };
}

async function currentSchema(session: Session): Promise<string> {
  // On its own: Redshift runs this function on the leader only.
  const [{ name } = {}] = (await session.query('SELECT CURRENT_SCHEMA() AS name')).rows;
  return String(name);
}

/** The catalog prints a view's SQL in its own words; its columns and its comment tell whether it is another one. */
function viewFaults({ name, definition, columns }: View, stands: ReadonlyMap<string, string> | undefined, comment?: string): string[] {
  if (stands === undefined) return [`view ${name} is missing`];
  const lacks = columns.filter((column) => !stands.has(column));
  const more = [...stands.keys()].filter((column) => !columns.includes(column));
  return [
    ...lacks.map((column) => `column ${name}.${column} of a view is missing`),
    ...more.map((column) => `column ${name}.${column} of a view is not of this build`),
    ...(comment === definition ? [] : [`view ${name} has another comment than this build's: it may be another view`]),
  ];
}

async function viewComments(session: Session, schema: string): Promise<ReadonlyMap<string, string>> {
  const { rows } = await session.query(
    `SELECT c.relname AS name, d.description AS comment FROM pg_class c
     JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_description d ON d.objoid = c.oid AND d.objsubid = 0
     WHERE n.nspname = ${literal(schema)} AND c.relkind = 'v'`,
  );
  return new Map(rows.map((row) => [String(row['name']), String(row['comment'])]));
}

/** Rows without which loads do not exclude each other, or events fall on the wrong day. `names`: the tables that stand. */
async function rowFaults(session: Session, names: ReadonlySet<string>): Promise<string[]> {
  const faults: string[] = [];
  for (const { name } of [loadGate, fraudAlertGate].filter((gate) => names.has(gate.name))) {
    const { rows } = await session.query(`SELECT COUNT(*) AS n FROM ${name}`);
    const n = Number(rows[0]?.['n']);
    if (n !== 1) faults.push(`table ${name} must have one row, it has ${n}`);
  }
  const zone = names.has(warehouseSetting.name) ? await readTimeZone(session) : undefined;
  if (zone === undefined) return faults;
  const { switches, days } = businessCalendar(zone);
  for (const [{ name }, day, needed] of [
    [businessDaySwitch, 'utc_day', switches.length],
    [dimDate, 'day', days.length],
  ] as const) {
    if (!names.has(name)) continue;
    const { rows } = await session.query(`SELECT COUNT(*) AS n, COUNT(DISTINCT ${day}) AS days FROM ${name}`);
    const [n, distinct] = [Number(rows[0]?.['n']), Number(rows[0]?.['days'])];
    if (n !== needed || distinct !== needed)
      faults.push(`table ${name} has ${n} rows of ${distinct} days, not ${needed}: --rebuild fills it`);
  }
  return faults;
}

/** Table or view → column → its type as `describe` writes it. */
async function foundColumns(session: Session, schema: string): Promise<Map<string, Map<string, string>>> {
  // Redshift's information_schema leaves out what the user has no right to, svv_columns does not, and knows SUPER.
  const catalog = session.dialect === 'redshift' ? 'svv_columns' : 'information_schema.columns';
  const { rows } = await session.query(
    `SELECT table_name, column_name, data_type, character_maximum_length AS bytes, numeric_precision AS digits, is_nullable
     FROM ${catalog} WHERE table_schema = ${literal(schema)}
     ORDER BY table_name, column_name`,
  );
  const found = new Map<string, Map<string, string>>();
  for (const row of rows) {
    const text = (name: string): string => String(row[name]);
    const columns = found.get(text('table_name')) ?? new Map<string, string>();
    found.set(text('table_name'), columns);
    const type = text('data_type').toLowerCase();
    const size = type === 'character varying' ? `(${text('bytes')})` : type === 'numeric' ? `(${text('digits')})` : '';
    columns.set(text('column_name'), `${type}${size}${text('is_nullable') === 'YES' ? '' : ' not null'}`);
  }
  return found;
}

/** As both catalogs name the types. */
function describe({ type, nullable }: Column, dialect: Dialect): string {
  const names = {
    integer: 'integer',
    bigint: 'bigint',
    decimal: 'numeric(38)',
    date: 'date',
    timestamp: 'timestamp without time zone',
    json: dialect === 'redshift' ? 'super' : 'jsonb',
  };
  const name = type.kind === 'text' ? `character varying(${type.bytes})` : names[type.kind];
  return `${name}${nullable ? '' : ' not null'}`;
}
