import { guide } from './rule.ts';

/** Statements whose grammar is checked here: the parser takes anything that begins with their first word, or fails on what is right. */
interface Command {
  readonly grammar: RegExp;
  readonly instead: string;
  readonly source: string;
}

const name = '[\\w".]+(?: \\. [\\w"]+)*';
const on = '(?:ON|OFF|TRUE|FALSE)';

/** COPY's parameters but those that let rows vanish (MAXERROR beyond 0, IGNOREALLERRORS) or change (TRUNCATECOLUMNS, ACCEPTINVCHARS). */
const copyParameter = [
  'MANIFEST',
  '(?:FORMAT )?(?:AS )?(?:CSV|PARQUET|ORC)',
  "(?:FORMAT )?(?:AS )?(?:JSON|AVRO) (?:AS )?''",
  "(?:QUOTE|DELIMITER|NULL|REGION|ENCODING|TIMEFORMAT|DATEFORMAT)(?: AS)? ''",
  'GZIP|LZOP|BZIP2|ZSTD',
  'MAXERROR(?: AS)? 0',
  `(?:COMPUPDATE|STATUPDATE)(?: (?:${on}|PRESET))?`,
  'IGNOREHEADER(?: AS)? \\d+',
  'EMPTYASNULL|BLANKSASNULL|EXPLICIT_IDS|FILLRECORD|IGNOREBLANKLINES|NOLOAD|ROUNDEC|SERIALIZETOJSON',
].join('|');
/** Parameters that may be set, without those of Spectrum and the query monitor. */
const settings =
  'ANALYZE_THRESHOLD_PERCENT|APPLICATION_NAME|DATESTYLE|ENABLE_CASE_SENSITIVE_IDENTIFIER|ENABLE_RESULT_CACHE_FOR_SESSION|' +
  'ERROR_ON_NONDETERMINISTIC_UPDATE|EXTRA_FLOAT_DIGITS|QUERY_GROUP|SEARCH_PATH|STATEMENT_TIMEOUT|TIMEZONE|WLM_QUERY_SLOT_COUNT';

const command = (grammar: string, instead: string, page: string): Command => ({
  grammar: new RegExp(`^ ${grammar} $`),
  instead,
  source: guide(page),
});

const begin = command(
  '(?:BEGIN|START TRANSACTION)(?: (?:WORK|TRANSACTION))?(?: ISOLATION LEVEL (?:SERIALIZABLE|READ COMMITTED|READ UNCOMMITTED|REPEATABLE READ))?(?: READ (?:ONLY|WRITE))?',
  'BEGIN',
  'r_BEGIN',
);
const end = (word: string): Command => command(`${word}(?: (?:WORK|TRANSACTION))?`, `${word}: there are no savepoints`, `r_${word}`);

export const commands: Readonly<Record<string, Command>> = {
  COPY: command(
    `COPY ${name}(?: \\( ${name}(?: , ${name})* \\))? FROM '' IAM_ROLE (?:''|DEFAULT)(?: (?:${copyParameter}))*`,
    'COPY table (columns) FROM … IAM_ROLE … with parameters that neither skip nor change a row; FROM STDIN is for Postgres alone',
    'r_COPY',
  ),
  LOCK: command(
    `LOCK(?: TABLE)? ${name}(?: , ${name})*`,
    'LOCK TABLE name: the only mode is ACCESS EXCLUSIVE, and it always waits',
    'r_LOCK',
  ),
  SET: command(
    `SET (?:SESSION |LOCAL )?(?:${settings}) (?:TO|=) (?:''|\\w+|- \\d+)(?: , \\w+)*`,
    "one of Redshift's parameters (it has no lock_timeout, no idle_in_transaction_session_timeout)",
    'cm_chap_ConfigurationRef',
  ),
  BEGIN: begin,
  START: begin,
  COMMIT: end('COMMIT'),
  ROLLBACK: end('ROLLBACK'),
  END: end('END'),
  ABORT: end('ABORT'),
  ANALYZE: command(
    `ANALYZE(?: VERBOSE)?(?: ${name}(?: \\( ${name}(?: , ${name})* \\))?)?(?: (?:PREDICATE|ALL) COLUMNS)?`,
    'ANALYZE of one table',
    'r_ANALYZE',
  ),
  VACUUM: command(
    `VACUUM(?: (?:FULL|SORT ONLY|DELETE ONLY|REINDEX|RECLUSTER))?(?: ${name}(?: TO \\d+ PERCENT)?)?(?: BOOST)?`,
    'VACUUM [FULL | SORT ONLY | DELETE ONLY | REINDEX | RECLUSTER] table',
    'r_VACUUM_command',
  ),
  UNLOAD: command(
    "UNLOAD \\( '' \\) TO '' IAM_ROLE (?:''|DEFAULT)(?: [\\w(), ']+)?",
    "UNLOAD ('query') TO 's3://…' IAM_ROLE …",
    'r_UNLOAD',
  ),
  CALL: command(`CALL ${name} \\( .*\\)`, 'CALL procedure(arguments)', 'r_CALL_procedure'),
};

/** Kinds of statements, as the parser calls them, that Redshift has; each is checked by the rules. */
export const knownKinds = new Set(
  (
    'select union intersect except insert update delete merge truncate create_table create_view create_schema drop_table drop_view ' +
    'drop_schema alter_table refresh grant revoke comment'
  ).split(' '),
);

/** What to do instead of a statement that Redshift does not have. */
export const unknownKinds: Readonly<Record<string, string>> = {
  create_index: 'the sort key of the model (model.ts); the printer gives an index to Postgres alone',
  drop_index: 'nothing: Redshift has no indexes',
  create_type: 'VARCHAR(n), checked by what writes the rows',
  create_sequence: 'ids made by the code',
  create_trigger: 'a statement of the transaction that writes the rows',
};
