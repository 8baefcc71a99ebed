import { type ErrorCode, ensureError, PlatformError } from '../process/errors.ts';

/** What is wrong, finer than the code: who acts on it, and what there is to do. */
export type WarehouseFault = (typeof kinds)[number]['fault'] | 'away' | 'defect';

/** An error of the warehouse, or on the way to it. */
export class WarehouseError extends PlatformError {
  readonly fault: WarehouseFault;
  /** What somebody can do; for what passes by itself, that nobody has to. */
  readonly remedy: string;

  constructor(kind: Kind<WarehouseFault>, message: string, cause: unknown) {
    // What passes by itself needs no advice in every line of a log.
    super(kind.code, kind.advise === true ? `${message}; ${kind.remedy}` : message, { retriable: kind.retriable, cause });
    this.fault = kind.fault;
    this.remedy = kind.remedy;
  }
}

interface Kind<F extends string = string> {
  readonly fault: F;
  readonly code: ErrorCode;
  readonly retriable: boolean;
  readonly remedy: string;
  /** The message carries the remedy. */
  readonly advise?: boolean;
  /** SQLSTATE, or Node's code when no server spoke. */
  readonly sqlState?: RegExp;
  /** Over message and detail: Redshift gives most of its own errors the SQLSTATE XX000. */
  readonly text?: RegExp;
}

const passes = 'nothing to do: it is tried again';

/**
 * In order: the first that matches. SQLSTATEs: PostgreSQL manual, appendix A. Node's codes: nodejs.org/api/tls (X.509 certificate errors).
 * Texts of Redshift, none of them run here: conflict RDG c_serial_isolation.md and dbt-core issue 12596; disk full ("code: 1016") Stitch,
 * Redshift destination, error reference; role refused ("code: 8001") snowplow rdb-loader, databricks spark-redshift; S3 refused and
 * refused rows RDG t_Troubleshooting_load_errors. A maintenance window ends connections; it has no text of its own that is documented.
 */
const kinds = [
  // First: the message of a refused value quotes it, and a value may read like any of the texts below.
  {
    fault: 'data',
    code: 'WAREHOUSE_MISMATCH',
    retriable: false,
    remedy: 'nothing to do: the line goes to quarantine',
    sqlState: /^(2[23]|Z_)/, // data exceptions, constraints; zlib: not gzip
    text: /^load into table .* failed/i,
  },
  {
    fault: 'copy-role',
    code: 'WAREHOUSE_REFUSED',
    retriable: false,
    advise: true,
    remedy:
      'attach the role of WAREHOUSE_COPY_ROLE_ARN to the namespace, let redshift.amazonaws.com and redshift-serverless.amazonaws.com assume it, and give it s3:GetObject and s3:ListBucket on the stage',
    text: /not authorized to (assume iam role|get credentials of role)|s3serviceexception:\s*access denied/i,
  },
  {
    fault: 'full',
    code: 'WAREHOUSE_FULL',
    retriable: true,
    advise: true,
    remedy: 'make room: drop what is not needed, or enlarge the warehouse; loading goes on by itself',
    sqlState: /^53100$/,
    text: /^disk full|error:\s+disk full|code:\s+1016\b/i,
  },
  {
    // At the gate, where Redshift knows no lock timeout, it is a conflict; after it, work that takes too long.
    fault: 'slow',
    code: 'WAREHOUSE_CONFLICT',
    retriable: true,
    remedy: passes,
    sqlState: /^57014$/, // statement timeout
  },
  {
    fault: 'conflict',
    code: 'WAREHOUSE_CONFLICT',
    retriable: true,
    remedy: passes,
    sqlState: /^(40|55P03)/, // serialization, deadlock, lock timeout
    text: /^1023\b|code:\s+1023\b|serializable isolation violation|conflict with concurrent transaction/i,
  },
  {
    fault: 'maintenance',
    code: 'WAREHOUSE_UNAVAILABLE',
    retriable: true,
    remedy: passes,
    sqlState: /^(57P0[1-3]|ECONNRESET|EPIPE)$/,
    text: /connection terminated unexpectedly|in maintenance/i,
  },
  {
    fault: 'host',
    code: 'WAREHOUSE_REFUSED',
    retriable: false,
    advise: true,
    remedy: 'correct the host of WAREHOUSE_URL: no name server knows it',
    sqlState: /^ENOTFOUND$/,
  },
  {
    fault: 'certificate',
    code: 'WAREHOUSE_REFUSED',
    retriable: false,
    advise: true,
    remedy:
      "correct the host of WAREHOUSE_URL or renew the server's certificate; one of an authority of your own needs WAREHOUSE_CA_FILE. Verification is never turned off",
    sqlState: /^(CERT_|ERR_TLS_CERT|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH)/,
    text: /does not support ssl connections/i,
  },
  {
    fault: 'login',
    code: 'WAREHOUSE_REFUSED',
    retriable: false,
    advise: true,
    remedy: 'correct user and password of WAREHOUSE_URL, or name the workgroup, so that the login is a temporary one',
    sqlState: /^28/,
  },
  {
    fault: 'database',
    code: 'WAREHOUSE_REFUSED',
    retriable: false,
    advise: true,
    remedy: 'correct the database of WAREHOUSE_URL, or create it',
    sqlState: /^3D/,
  },
  {
    fault: 'right',
    code: 'WAREHOUSE_REFUSED',
    retriable: false,
    advise: true,
    remedy: 'grant what is missing (docs/runbooks/warehouse-unreachable.md lists what the loader needs)',
    sqlState: /^42501$/,
  },
  {
    fault: 'schema',
    code: 'WAREHOUSE_SCHEMA',
    retriable: false,
    advise: true,
    remedy: 'apply the migrations: npm run migrate',
    sqlState: /^(42P01|42703|3F000)$/, // no such table, column, schema
  },
] as const satisfies readonly Kind[];

// A server that did not speak (the socket, a timeout of the client, a name server that is away), or one that has no room for a session.
const away: Kind<'away'> = { fault: 'away', code: 'WAREHOUSE_UNAVAILABLE', retriable: true, remedy: passes };
const awayStates = /^(08|53|57P|25P03)/;
const defect: Kind<'defect'> = { fault: 'defect', code: 'INTERNAL', retriable: false, remedy: 'report it with the statement' };

/** Whatever a statement, a connection or a COPY threw, in the platform's terms. What is a PlatformError already stays as it is. */
export function warehouseError(thrown: unknown, doing: string): PlatformError {
  const error = ensureError(thrown);
  if (error instanceof PlatformError) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const detail = 'detail' in error && typeof error.detail === 'string' ? error.detail : '';
  return new WarehouseError(kindOf(code, error.message, detail), `${doing}: ${error.message || code}`, error);
}

/** A fault that no server's error tells, such as a right that is found missing before it is needed. `remedy`: where it is a special one. */
export function warehouseFault(fault: WarehouseFault, message: string, cause?: unknown, remedy?: string): WarehouseError {
  const kind: Kind<WarehouseFault> = [...kinds, away].find((k) => k.fault === fault) ?? defect;
  return new WarehouseError(remedy === undefined ? kind : { ...kind, remedy }, message, cause);
}

function kindOf(code: string, message: string, detail: string): Kind<WarehouseFault> {
  const found = kinds.find(
    (kind: Kind) => kind.sqlState?.test(code) === true || kind.text?.test(message) === true || kind.text?.test(detail) === true,
  );
  if (found !== undefined) return found;
  const serverSpoke = /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]{4}$/.test(code);
  return awayStates.test(code) || !serverSpoke ? away : defect;
}
