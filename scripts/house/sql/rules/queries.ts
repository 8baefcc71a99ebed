import { guide, pattern, type Rule, unsupportedFeatures, unsupportedFunctions, unsupportedTypes } from '../rule.ts';
import { bracketed, type Statement } from '../statement.ts';

const select = `${guide('r_SELECT_synopsis')} (syntax)`;
const from = `${guide('r_FROM_clause30')} (syntax)`;
const window = guide('c_Window_functions');
const ranking = /^(ROW_NUMBER|RANK|DENSE_RANK|PERCENT_RANK|CUME_DIST|NTILE|LAG|LEAD)$/;

/** An aggregate over an ordered window without ROWS: Postgres then takes RANGE … CURRENT ROW, Redshift an error. */
function lacksFrame({ text }: Statement): boolean {
  for (const { index } of text.matchAll(/ OVER \( /g)) {
    const { inside } = bracketed(text, index + ' OVER '.length);
    if (/ ORDER BY /.test(inside) && !/ (ROWS|RANGE|GROUPS) /.test(inside) && !ranking.test(functionBefore(text, index))) return true;
  }
  return false;
}

/** The name of the function whose call ends before `at`. */
function functionBefore(text: string, at: number): string {
  let depth = 0;
  for (let i = at - 1; i >= 0; i--) {
    if (text[i] === ')') depth += 1;
    if (text[i] === '(') depth -= 1;
    if (depth === 0) return / (\w+) $/.exec(text.slice(0, i))?.[1] ?? '';
  }
  return '';
}

/** Clauses and operators of queries. */
export const queryRules: readonly Rule[] = [
  pattern(
    'distinct-on',
    / DISTINCT ON \( /,
    'ROW_NUMBER() OVER (PARTITION BY … ORDER BY …) in a subquery, then WHERE … = 1',
    `${guide('r_SELECT_list')} (syntax)`,
    'SELECT DISTINCT ON (a) a, b FROM t ORDER BY a, b',
  ),
  pattern(
    'filter',
    / FILTER \( WHERE /,
    'SUM(CASE WHEN … THEN … ELSE 0 END), COUNT(CASE WHEN … THEN 1 END)',
    'https://github.com/jazzband/django-redshift-backend/pull/74',
    'SELECT COUNT(*) FILTER (WHERE a > 1) FROM t',
  ),
  pattern(
    'lateral',
    / LATERAL /,
    'a join on a grouped subquery',
    from,
    'SELECT t.a, x.m FROM t CROSS JOIN LATERAL (SELECT MAX(b) AS m FROM u WHERE u.a = t.a) x',
  ),
  pattern(
    'values-as-table',
    /^ VALUES | \( VALUES /,
    'rows of a table, or SELECT … UNION ALL SELECT …',
    `${unsupportedFeatures} ("VALUES list used as constant tables")`,
    'SELECT v.x FROM (VALUES (1), (2)) v (x)',
  ),
  pattern(
    'cte-hint',
    / AS (NOT )?MATERIALIZED \( /,
    'the WITH query without a hint',
    `${guide('r_WITH_clause')} (syntax)`,
    'WITH w AS MATERIALIZED (SELECT a FROM t) SELECT a FROM w',
  ),
  pattern(
    'nested-with',
    / AS \( WITH /,
    'one list of WITH queries at the outermost query',
    `${guide('r_WITH_clause')} (usage notes)`,
    'WITH w AS (WITH v AS (SELECT a FROM t) SELECT a FROM v) SELECT a FROM w',
  ),
  pattern(
    'set-operation-all',
    / (EXCEPT|INTERSECT|MINUS) ALL /,
    'EXCEPT or INTERSECT without ALL, or an anti-join',
    guide('r_UNION'),
    'SELECT a FROM t EXCEPT ALL SELECT a FROM u',
  ),
  pattern('fetch-first', /(?<!^) FETCH (FIRST|NEXT) /, 'LIMIT', select, 'SELECT a FROM t ORDER BY a FETCH FIRST 5 ROWS ONLY'),
  pattern(
    'row-lock',
    / FOR (UPDATE|SHARE|NO KEY UPDATE|KEY SHARE) /,
    'an UPDATE of the row (load_gate), or LOCK TABLE',
    `${select}, ${guide('r_LOCK')}`,
    'SELECT a FROM t WHERE a = 1 FOR UPDATE',
  ),
  pattern('tablesample', / TABLESAMPLE /, 'WHERE RANDOM() < …', from, 'SELECT a FROM t TABLESAMPLE BERNOULLI (5)'),
  pattern(
    'is-distinct-from',
    / IS (NOT )?DISTINCT FROM /,
    'a = b OR (a IS NULL AND b IS NULL)',
    unsupportedFunctions,
    'SELECT a FROM t WHERE a IS DISTINCT FROM b',
  ),
  pattern(
    'named-window',
    / WINDOW \w+ AS \( /,
    'the window in each OVER',
    `${window} (syntax)`,
    'SELECT RANK() OVER w FROM t WINDOW w AS (PARTITION BY a ORDER BY b)',
  ),
  {
    id: 'window-frame-missing',
    broken: lacksFrame,
    instead: 'an explicit frame, such as ROWS UNBOUNDED PRECEDING',
    source: `${guide('r_WF_SUM')} (frame_clause)`,
    refuses: 'SELECT SUM(b) OVER (PARTITION BY a ORDER BY b) FROM t',
  },
  pattern(
    'window-frame',
    / (RANGE|GROUPS) (BETWEEN|UNBOUNDED|CURRENT|\d)/,
    'ROWS: no other frame exists',
    `${window} (frame_clause)`,
    'SELECT SUM(b) OVER (ORDER BY b RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t',
  ),
  pattern(
    'array',
    / ARRAY \[ /,
    'rows of a table, or IN (…)',
    `${unsupportedFeatures} ("Array constructors")`,
    'SELECT ARRAY[a, b] FROM t',
  ),
  pattern(
    'any-of-list',
    / (=|<>|!=|<|>|<=|>=|LIKE|ILIKE) (ANY|ALL|SOME) \( (?!SELECT |ARRAY )/,
    'IN (…), or conditions joined by OR',
    `${unsupportedFeatures} ("Array constructors")`,
    "SELECT a FROM t WHERE name LIKE ANY ('{x%,y%}')",
  ),
  pattern(
    'row-constructor',
    / ROW \( /,
    'each column by itself',
    `${unsupportedFeatures} ("Row constructors")`,
    'SELECT a FROM t WHERE ROW(a, b) = ROW(1, 2)',
  ),
  pattern(
    'json-operator',
    / (->|->>|#>|#>>|@>|<@|\?|\?\||\?&) /,
    'a text per dialect (JSON_EXTRACT_PATH_TEXT or PartiQL there); best, a column',
    `${unsupportedTypes} ("JSON")`,
    "SELECT j ->> 'x' FROM t",
  ),
  pattern(
    'regexp-ignoring-case',
    / (~\*|!~\*) /,
    'LOWER(…) ~ …',
    `${guide('pattern-matching-conditions-posix')} (syntax)`,
    "SELECT a FROM t WHERE name ~* 'x'",
  ),
  pattern(
    'between-symmetric',
    / BETWEEN SYMMETRIC /,
    'BETWEEN LEAST(…) AND GREATEST(…)',
    guide('r_range_condition'),
    'SELECT a FROM t WHERE a BETWEEN SYMMETRIC 2 AND 1',
  ),
  pattern(
    'collation',
    / COLLATE (?!CASE_SENSITIVE|CASE_INSENSITIVE)/,
    'no collation: strings compare by their bytes',
    `${unsupportedFeatures} ("Collations")`,
    'SELECT name FROM t ORDER BY name COLLATE "C"',
  ),
];
