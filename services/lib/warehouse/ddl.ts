import { PlatformError } from '../process/errors.ts';
import type { Column, Table } from './columns.ts';
import type { View } from './views.ts';

export type Dialect = 'redshift' | 'postgres';

function typeOf(column: Column, dialect: Dialect): string {
  switch (column.type.kind) {
    case 'text':
      return `VARCHAR(${column.type.bytes})`;
    case 'integer':
      return 'INTEGER';
    case 'bigint':
      return 'BIGINT';
    case 'decimal':
      return 'DECIMAL(38,0)';
    case 'date':
      return 'DATE';
    case 'timestamp':
      return 'TIMESTAMP';
    case 'json':
      return dialect === 'redshift' ? 'SUPER' : 'JSONB';
  }
}

const printed = (column: Column, dialect: Dialect): string =>
  `${column.name} ${typeOf(column, dialect)}${column.default === undefined ? '' : ` DEFAULT ${column.default}`}${column.nullable ? '' : ' NOT NULL'}`;

const columnList = (table: Table, dialect: Dialect): string => table.columns.map((c) => `  ${printed(c, dialect)}`).join(',\n');

/** CREATE TABLE with DISTKEY and SORTKEY for Redshift; for Postgres without them, followed by its indexes. */
export function createTable(table: Table, dialect: Dialect): string[] {
  const create = `CREATE TABLE ${table.name} (\n${columnList(table, dialect)}\n)`;
  if (dialect === 'postgres') {
    return [create, ...table.indexes.map((keys) => `CREATE INDEX ${table.name}_${keys.join('_')} ON ${table.name} (${keys.join(', ')})`)];
  }
  const distribution = table.distribution === 'all' ? 'DISTSTYLE ALL' : `DISTSTYLE KEY DISTKEY (${table.distribution.key})`;
  const sort = table.sortKey.length === 0 ? '' : ` SORTKEY (${table.sortKey.join(', ')})`;
  return [`${create} ${distribution}${sort}`];
}

/** Redshift adds one column at a time, and one without null only with a default. */
export const addColumn = (table: Table, column: Column, dialect: Dialect): string =>
  `ALTER TABLE ${table.name} ADD COLUMN ${printed(column, dialect)}`;

/** The definition stands above the text and, for those who look a view up in the warehouse, as its comment. The same for both dialects. */
export function createView({ name, definition, sql }: View): string[] {
  if (/['\\\n]/.test(definition)) throw new PlatformError('INTERNAL', `the definition of ${name} must be one line without quotes`);
  return [`-- ${definition}\nCREATE VIEW ${name} AS\n${sql}`, `COMMENT ON VIEW ${name} IS '${definition}'`];
}

/** A session's scratch table with the columns of `like`. */
export function createTempTable(name: string, like: Table, dialect: Dialect): string {
  return `CREATE TEMP TABLE ${name} (\n${columnList(like, dialect)}\n)`;
}
