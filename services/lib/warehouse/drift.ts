import type { Column } from './columns.ts';
import type { Session } from './database.ts';
import type { Dialect } from './ddl.ts';
import { historyTable } from './migrations.ts';
import { tables } from './model.ts';
import { literal } from './sql.ts';
import { views } from './views.ts';

export interface SchemaDrift {
  /** What this build needs and does not find: a table, a view, a column, its type or whether it takes null. One line each. */
  readonly faults: readonly string[];
  /** Tables, views and columns that no build made. They do no harm; somebody should know them. */
  readonly extras: readonly string[];
}

/** What stands in the schema that unqualified names lead to, held against the model, in either dialect. */
export async function schemaDrift(session: Session): Promise<SchemaDrift> {
  const found = await foundColumns(session);
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
  for (const { name } of views) if (!found.delete(name)) faults.push(`view ${name} is missing`);
  extras.push(...[...found.keys()].filter((name) => name !== historyTable).map((name) => `table or view ${name}`));
  return { faults, extras: extras.sort() };
}

/** Table or view → column → its type as `describe` writes it. */
async function foundColumns(session: Session): Promise<Map<string, Map<string, string>>> {
  // Redshift's information_schema leaves out what the user has no right to, svv_columns does not, and knows SUPER.
  const catalog = session.dialect === 'redshift' ? 'svv_columns' : 'information_schema.columns';
  // On its own: Redshift runs this function on the leader only.
  const [{ name: schema } = {}] = (await session.query('SELECT CURRENT_SCHEMA() AS name')).rows;
  const { rows } = await session.query(
    `SELECT table_name, column_name, data_type, character_maximum_length AS bytes, numeric_precision AS digits, is_nullable
     FROM ${catalog} WHERE table_schema = ${literal(String(schema))}
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
