import { guide, type Rule, unsupportedFunctions } from '../rule.ts';

interface Missing {
  readonly source: string;
  readonly instead: string;
  /** Calls as Postgres takes them; what stands before the bracket is the name. */
  readonly calls: readonly string[];
}

/** The guide's list of functions, where the name is not. */
const notListed = guide('c_SQL_functions');
const leaderOnly = guide('c_SQL_functions_leader_node_only');
const time = "the time of the process as a literal: it is the load's own, and the same in every row";

const missing: readonly Missing[] = [
  {
    source: unsupportedFunctions,
    instead: 'a table of numbers or days (dim_date)',
    calls: ['GENERATE_SERIES(1, 2)', 'GENERATE_SUBSCRIPTS(list, 1)'],
  },
  {
    source: unsupportedFunctions,
    instead: 'rows, put together by the code that reads them',
    calls: ["STRING_AGG(name, ',')", 'ARRAY_AGG(a)', 'JSON_AGG(a)', 'JSONB_AGG(a)'],
  },
  { source: unsupportedFunctions, instead: 'BOOL_AND', calls: ['EVERY(a > 1)'] },
  {
    source: unsupportedFunctions,
    instead: 'sums, and the formula in the code',
    calls: [
      'CORR(a, b)',
      'COVAR_POP(a, b)',
      'COVAR_SAMP(a, b)',
      'REGR_COUNT(a, b)',
      'REGR_SLOPE(a, b)',
      'REGR_R2(a, b)',
      'REGR_INTERCEPT(a, b)',
      'REGR_AVGX(a, b)',
      'REGR_AVGY(a, b)',
    ],
  },
  { source: unsupportedFunctions, instead: 'arithmetic', calls: ['DIV(a, b)', 'WIDTH_BUCKET(a, 1, 9, 3)', 'SETSEED(0.5)'] },
  { source: unsupportedFunctions, instead: time, calls: ['CLOCK_TIMESTAMP()', 'TRANSACTION_TIMESTAMP()'] },
  { source: leaderOnly, instead: time, calls: ['NOW()'] },
  { source: leaderOnly, instead: 'DATEDIFF, or arithmetic in the code', calls: ['AGE(occurred_at, occurred_at)', 'ISFINITE(occurred_at)'] },
  {
    source: unsupportedFunctions,
    instead: 'a timestamp or interval literal',
    calls: ["JUSTIFY_DAYS(INTERVAL '40 days')", "JUSTIFY_HOURS(INTERVAL '40 hours')", "JUSTIFY_INTERVAL(INTERVAL '40 days')"],
  },
  {
    source: notListed,
    instead: 'a timestamp or interval literal',
    calls: [
      'MAKE_INTERVAL(days => 1)',
      'MAKE_DATE(2026, 1, 1)',
      'MAKE_TIMESTAMP(2026, 1, 1, 0, 0, 0)',
      "DATE_BIN(INTERVAL '15 minutes', occurred_at, occurred_at)",
      'STATEMENT_TIMESTAMP()',
    ],
  },
  { source: unsupportedFunctions, instead: 'the process waits, not the warehouse', calls: ['PG_SLEEP(0)'] },
  {
    source: unsupportedFunctions,
    instead: 'the one row of load_gate',
    calls: ['PG_ADVISORY_LOCK(1)', 'PG_TRY_ADVISORY_LOCK(1)', 'PG_ADVISORY_XACT_LOCK(1)'],
  },
  {
    source: unsupportedFunctions,
    instead: 'the function of the guide: SUBSTRING, REPLACE, SPLIT_PART, LEN, ||',
    calls: [
      'BIT_LENGTH(name)',
      "FORMAT('%s', name)",
      'QUOTE_NULLABLE(name)',
      "REGEXP_MATCHES(name, 'x')",
      "REGEXP_SPLIT_TO_ARRAY(name, 'x')",
      "REGEXP_SPLIT_TO_TABLE(name, 'x')",
      "ENCODE('x', 'hex')",
      "CONVERT_FROM('x', 'UTF8')",
      "CONVERT_TO(name, 'UTF8')",
    ],
  },
  { source: notListed, instead: '||, LIKE', calls: ["CONCAT_WS('-', name, name)", "STARTS_WITH(name, 'x')"] },
  { source: unsupportedFunctions, instead: 'ids made by the code', calls: ["NEXTVAL('s')", 'GEN_RANDOM_UUID()', 'TXID_CURRENT()'] },
  { source: unsupportedFunctions, instead: 'svv_table_info', calls: ["PG_TOTAL_RELATION_SIZE('t')", "PG_RELATION_SIZE('t')"] },
  {
    source: unsupportedFunctions,
    instead: 'rows of a table',
    calls: ['UNNEST(list)', 'ARRAY_LENGTH(list, 1)', "STRING_TO_ARRAY(name, ',')"],
  },
  {
    source: guide('json-functions'),
    instead: 'a text per dialect (JSON_EXTRACT_PATH_TEXT, JSON_PARSE there); best, a column',
    calls: [
      'TO_JSON(a)',
      'TO_JSONB(a)',
      "JSON_BUILD_OBJECT('x', a)",
      "JSONB_BUILD_OBJECT('x', a)",
      'ROW_TO_JSON(t)',
      "JSONB_ARRAY_LENGTH('[]')",
      "JSONB_ARRAY_ELEMENTS('[]')",
      "JSONB_SET(j, '{x}', '1')",
      'JSONB_TYPEOF(j)',
    ],
  },
];

/** Words of the same kind that take no brackets. */
const bare = ['CURRENT_TIMESTAMP', 'CURRENT_TIME', 'LOCALTIMESTAMP', 'LOCALTIME'];

const ruleOf = (call: string, { source, instead }: Omit<Missing, 'calls'>): Rule => {
  const name = /^\w+/.exec(call)?.[0] ?? '';
  const called = new RegExp(` ${name} ${bare.includes(name) ? '' : '\\( '}`);
  return {
    id: `function-${name.toLowerCase()}`,
    broken: ({ text }) => called.test(text),
    instead,
    source,
    refuses: `SELECT ${call} FROM t`,
  };
};

/** They run where no row of ours lives, nor of the svl_, svv_, stl_ and stv_ views; next to rows of pg_ tables they are fine. */
const leaderOnlyBesideRows: Rule = {
  id: 'leader-only-function',
  broken: ({ text }) =>
    / (CURRENT_SCHEMAS?|HAS_(TABLE|SCHEMA|DATABASE)_PRIVILEGE|VERSION) \( /.test(text) &&
    / (FROM|JOIN|UPDATE|INTO|USING) (?!PG_|INFORMATION_SCHEMA |\()\w/.test(text),
  instead: 'two statements: ask this function by itself, put its answer into the other as a literal',
  source: `${leaderOnly}, ${guide('r_CURRENT_SCHEMA')}`,
  refuses: 'SELECT a FROM t WHERE name = CURRENT_SCHEMA()',
};

/** Functions of Postgres that Redshift lacks, or has on its leader node only, where no row of ours lives. */
export const functionRules: readonly Rule[] = [
  ...missing.flatMap((group) => group.calls.map((call) => ruleOf(call, group))),
  ...bare.map((word) => ruleOf(word, { source: leaderOnly, instead: time })),
  leaderOnlyBesideRows,
];
