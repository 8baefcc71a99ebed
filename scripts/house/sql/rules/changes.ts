import { guide, pattern, type Rule, unsupportedFeatures } from '../rule.ts';

const insert = guide('r_INSERT_30');
const merge = guide('r_MERGE');
const transaction = 'keep it out: what a load does must roll back as a whole';

/** Statements that change rows. */
export const changeRules: readonly Rule[] = [
  pattern(
    'on-conflict',
    / ON CONFLICT /,
    'DELETE the rows that stand, then INSERT, in one transaction',
    `${insert} (syntax); https://github.com/jazzband/django-redshift-backend/issues/102`,
    'INSERT INTO t (a) VALUES (1) ON CONFLICT DO NOTHING',
  ),
  pattern(
    'returning',
    / RETURNING /,
    'a SELECT of its own, or the number of rows affected',
    `${insert} (syntax); https://github.com/sqlalchemy-redshift/sqlalchemy-redshift/issues/330 (the error)`,
    'UPDATE t SET a = 2 WHERE a = 1 RETURNING b',
  ),
  pattern(
    'truncate',
    /^ TRUNCATE /,
    `DELETE FROM: Redshift's TRUNCATE commits the transaction it stands in; ${transaction}`,
    guide('r_TRUNCATE'),
    'TRUNCATE t',
  ),
  pattern(
    'with-before-insert',
    /^ WITH .* \) INSERT INTO /,
    'INSERT INTO … WITH … SELECT',
    `${guide('r_WITH_clause')} (usage notes), ${insert} (syntax)`,
    'WITH w AS (SELECT a FROM u) INSERT INTO t (a) SELECT a FROM w',
  ),
  pattern(
    'writable-cte',
    / AS \( (INSERT|UPDATE|DELETE|MERGE) /,
    'one statement after the other, through a temporary table',
    `${guide('r_WITH_clause')} (a query is a SELECT)`,
    'WITH w AS (DELETE FROM t WHERE a = 1) SELECT a FROM u',
  ),
  pattern(
    'insert-alias',
    /^ INSERT INTO [^ ]+( \. [^ ]+)? AS /,
    'the table without another name',
    `${insert} (syntax)`,
    'INSERT INTO t AS x (a) VALUES (1)',
  ),
  pattern(
    'values-subquery',
    /^ INSERT INTO (?=.* VALUES .*\) , \( )(?=.* VALUES .*\( SELECT )/,
    'INSERT … SELECT: several rows of VALUES take no subquery',
    `${insert} (expression)`,
    'INSERT INTO t (a) VALUES (1), ((SELECT MAX(a) FROM u))',
  ),
  pattern(
    'delete-alias',
    /^ DELETE FROM [^ ]+( \. [^ ]+)? (?!USING |WHERE |\.)[^ ]+ /,
    'the name of the table itself',
    `${guide('r_DELETE')} (syntax)`,
    'DELETE FROM t x WHERE x.a = 1',
  ),
  pattern(
    'merge-condition',
    / WHEN (NOT )?MATCHED (BY [A-Z]+ )?AND /,
    'drop the rows that must not count from the source first',
    `${merge} (syntax)`,
    'MERGE INTO t USING u ON t.a = u.a WHEN MATCHED AND u.b > t.b THEN UPDATE SET b = u.b WHEN NOT MATCHED THEN INSERT VALUES (u.a, u.b)',
  ),
  pattern(
    'merge-action',
    / WHEN (NOT )?MATCHED BY (SOURCE|TARGET) | THEN DO NOTHING /,
    'UPDATE or DELETE when matched, INSERT when not',
    `${merge} (syntax)`,
    'MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DO NOTHING WHEN NOT MATCHED THEN INSERT VALUES (u.a, u.b)',
  ),
  pattern(
    'merge-clauses',
    /^ MERGE (?!.* WHEN MATCHED .* WHEN NOT MATCHED )/,
    'both clauses, WHEN MATCHED first; for one of them alone UPDATE, DELETE or INSERT',
    `${merge} (syntax)`,
    'MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DELETE',
  ),
  pattern(
    'merge-alias',
    /^ MERGE INTO [^ ]+( \. [^ ]+)? (?!USING |\.)/,
    'the name of the table itself',
    `${merge} (syntax)`,
    'MERGE INTO t x USING u ON x.a = u.a WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (u.a, u.b)',
  ),
  pattern(
    'merge-source',
    /^ MERGE INTO [^(]* USING \( /,
    'a temporary table as source',
    `${merge} (source_table)`,
    'MERGE INTO t USING (SELECT a, b FROM u) s ON t.a = s.a WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (s.a, s.b)',
  ),
  pattern('only', / (FROM|JOIN|UPDATE) ONLY /, 'the table: there is no inheritance', unsupportedFeatures, 'SELECT a FROM ONLY t'),
];
