import { guide, pattern, type Rule, unsupportedTypes } from '../rule.ts';
import { nodes, type Statement } from '../statement.ts';

/** A type as the parser writes it; `custom` are names it does not know. */
interface DataType {
  readonly data_type: string;
  readonly name?: string;
  readonly length?: number | null;
  readonly precision?: number | null;
  readonly unit?: string | null;
}

/** `text` has a rule of its own. */
const known = new Set(
  'int big_int small_int float double boolean char var_char decimal date time timestamp var_binary geometry geography interval text'.split(
    ' ',
  ),
);
const knownNames = /^(SUPER|VARBYTE(\(\d+\))?|HLLSKETCH|GEOMETRY|GEOGRAPHY|INT[248]|FLOAT[48]|N?(VAR)?CHAR\(\d+\))$/i;
const maxVarcharBytes = 65_535;
const maxPrecision = 38;

const isType = (value: unknown): value is DataType =>
  typeof value === 'object' && value !== null && 'data_type' in value && typeof value.data_type === 'string';

/** Types named in a statement; `column`: as that of a column. */
function* typesOf({ tree }: Statement): Generator<{ readonly type: DataType; readonly column: boolean }> {
  if (!('kind' in tree)) return;
  for (const node of nodes(tree.root)) {
    for (const [key, value] of Object.entries(node)) if (isType(value)) yield { type: value, column: key === 'data_type' };
  }
}

const typeRule = (
  id: string,
  broken: (type: DataType, column: boolean) => boolean,
  instead: string,
  source: string,
  refuses: string,
): Rule => ({
  id,
  broken: (statement) => [...typesOf(statement)].some(({ type, column }) => broken(type, column)),
  instead,
  source,
  refuses,
});

/** Types of columns and casts. */
export const typeRules: readonly Rule[] = [
  typeRule(
    'type',
    ({ data_type, name = '', unit }) =>
      data_type === 'custom' ? !knownNames.test(name) : !known.has(data_type) || (data_type === 'interval' && unit == null),
    "one of Redshift's types: VARCHAR(n) for uuid and enums, SUPER (jsonb in Postgres) for json, a table for arrays, BIGINT for serial",
    `${unsupportedTypes}, ${guide('c_Supported_data_types')}`,
    'CREATE TABLE n (a UUID)',
  ),
  pattern('type-bytea', / BYTEA /, 'VARCHAR of hexadecimal digits', unsupportedTypes, 'CREATE TABLE n (a BYTEA)'),
  typeRule(
    'type-text',
    ({ data_type }) => data_type === 'text',
    'VARCHAR(n), n in bytes: TEXT is VARCHAR(256)',
    guide('r_Character_types'),
    'CREATE TABLE n (a TEXT)',
  ),
  typeRule(
    'varchar-length',
    ({ data_type, length }, column) => data_type === 'var_char' && ((column && length == null) || (length ?? 0) > maxVarcharBytes),
    `VARCHAR(n), n in bytes up to ${maxVarcharBytes}: without n it is VARCHAR(256)`,
    guide('r_Character_types'),
    'CREATE TABLE n (a VARCHAR)',
  ),
  typeRule(
    'numeric-precision',
    ({ data_type, precision }) => data_type === 'decimal' && (precision == null || precision > maxPrecision),
    `DECIMAL(p, s), p up to ${maxPrecision}: without p it is DECIMAL(18, 0), which has no fraction`,
    guide('r_Numeric_types201'),
    'SELECT CAST(a AS NUMERIC) FROM t',
  ),
  typeRule(
    'time-precision',
    ({ data_type, precision }) => (data_type === 'timestamp' || data_type === 'time') && precision != null,
    'TIMESTAMP without a precision: it holds microseconds',
    guide('r_Datetime_types'),
    'CREATE TABLE n (a TIMESTAMP(3))',
  ),
];
