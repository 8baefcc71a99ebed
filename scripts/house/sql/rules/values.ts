import { guide, pattern, type Rule } from '../rule.ts';
import { argumentsOf, bracketed, type Statement } from '../statement.ts';

const unit = '(years?|y|months?|mons?|weeks?|w|days?|d|hours?|h|minutes?|mins?|m|seconds?|secs?|s|milliseconds?|microseconds?)';
const interval = new RegExp(`^\\s*[-+]?\\d+(\\.\\d+)?\\s*${unit}(\\s*,?\\s*[-+]?\\d+(\\.\\d+)?\\s*${unit})*\\s*$`, 'i');

function intervalDiffers({ text, strings }: Statement): boolean {
  let nth = 0;
  for (const [word] of text.matchAll(/ INTERVAL (?='')|(?<= )''(?= )/g)) {
    if (word === "''") nth += 1;
    else if (!interval.test(strings[nth] ?? '')) return true;
  }
  return false;
}

/** Whether a function is called with a number of arguments. */
const callsWith =
  (name: string, wrong: (count: number) => boolean) =>
  ({ text }: Statement): boolean =>
    [...text.matchAll(new RegExp(` ${name} \\(`, 'g'))].some(({ index, 0: match }) =>
      wrong(argumentsOf(bracketed(text, index + match.length - 1).inside).length),
    );

const dateParts = guide('r_Dateparts_for_datetime_functions');

/** Literals, and functions that both have but read differently. */
export const valueRules: readonly Rule[] = [
  pattern(
    'string-syntax',
    / (E''|U&''|N''|B''|X''|\$\$) /,
    "a plain '…' literal, checked by literal() of sql.ts",
    guide('r_QUOTE_LITERAL'),
    "SELECT E'x' FROM t",
  ),
  {
    id: 'backslash',
    broken: ({ strings }) => strings.some((text) => text.includes('\\')),
    instead: 'a literal without a backslash: Redshift takes it for an escape, Postgres for itself',
    source: `${guide('r_QUOTE_LITERAL')} (backslashes are doubled)`,
    refuses: "SELECT a FROM t WHERE name = 'a\\b'",
  },
  {
    id: 'interval-format',
    broken: intervalDiffers,
    instead: "amounts with units: INTERVAL '7 days', INTERVAL '3 hours 5 minutes'",
    source: guide('r_interval_literals'),
    refuses: "SELECT occurred_at + INTERVAL 'P1D' FROM t",
  },
  pattern(
    'extract-fraction',
    / EXTRACT \( (EPOCH|SECOND) FROM (?!DATE_TRUNC )/,
    "EXTRACT(… FROM DATE_TRUNC('second', …)): Redshift gives whole seconds, Postgres a fraction too",
    guide('r_EXTRACT_function'),
    'SELECT EXTRACT(EPOCH FROM occurred_at) FROM t',
  ),
  {
    id: 'date-part',
    broken: ({ text, strings }) =>
      / EXTRACT \( (ISODOW|ISOYEAR|JULIAN) /.test(text) ||
      (/ DATE_PART \( '' /.test(text) && strings.some((s) => /^(isodow|isoyear|julian|epoch|second)$/i.test(s))),
    instead: 'the columns of dim_date',
    source: dateParts,
    refuses: 'SELECT EXTRACT(ISODOW FROM occurred_at) FROM t',
  },
  {
    id: 'date-trunc-zone',
    broken: callsWith('DATE_TRUNC', (count) => count > 2),
    instead: 'DATE_TRUNC(part, timestamp): times are UTC, the business day stands in its own column',
    source: guide('r_DATE_TRUNC'),
    refuses: "SELECT DATE_TRUNC('day', zoned_at, 'UTC') FROM t",
  },
  {
    id: 'to-timestamp',
    broken: callsWith('TO_TIMESTAMP', (count) => count < 2),
    instead: 'a timestamp literal (timestampText of sql.ts)',
    source: guide('r_TO_TIMESTAMP'),
    refuses: 'SELECT TO_TIMESTAMP(a) FROM t',
  },
  {
    id: 'concat',
    broken: callsWith('CONCAT', (count) => count !== 2),
    instead: '||: CONCAT takes two, and is NULL when one of them is',
    source: guide('r_CONCAT'),
    refuses: "SELECT CONCAT(name, '-', name) FROM t",
  },
  pattern(
    'avg',
    / AVG \( (?!CAST )/,
    'AVG(CAST(… AS DECIMAL(p, s))), or SUM and COUNT: of an integer Redshift gives an integer',
    guide('r_AVG'),
    'SELECT AVG(a) FROM t',
  ),
  pattern(
    'regexp-replace',
    / REGEXP_REPLACE \( /,
    'REPLACE or TRANSLATE: Redshift replaces every match and takes a position where Postgres takes flags',
    guide('REGEXP_REPLACE'),
    "SELECT REGEXP_REPLACE(name, 'x', 'y') FROM t",
  ),
];
