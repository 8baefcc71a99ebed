/**
 * Every error this platform raises on purpose: a code from a closed list, whether a retry can help, and its cause.
 *
 * Bad input is not an error here: it is an outcome (lib/events/outcome.ts).
 */
export const errorCodes = [
  'CONFIG_INVALID', // a configuration key is missing or malformed; fails at start
  'STREAM_UNAVAILABLE', // Kinesis does not answer, throttles, or the stream is missing
  'STREAM_TRIMMED', // a position asked for is older than the stream's retention
  'PUT_FAILED', // records could not be put within the retry budget
  'BUFFER_CLOSED', // a producer was used after it was closed
  'CHECKPOINT_FAILED', // KCL refused or could not store a checkpoint
  'LEASE_LOST', // another worker owns the shard now
  'DAEMON_FAILED', // the MultiLangDaemon or one of its children ended unexpectedly
  'TABLE_UNAVAILABLE', // DynamoDB does not answer, throttles, or the table is missing
  'CONDITION_FAILED', // a conditional write lost against another writer
  'OBJECT_UNAVAILABLE', // the object store does not answer
  'OBJECT_EXISTS', // exclusive create found the key taken
  'OBJECT_MISSING', // the key does not exist
  'OBJECT_CORRUPT', // size or checksum differ from what was stored
  'NOTIFY_FAILED', // SNS did not take a message
  'WAREHOUSE_UNAVAILABLE', // the warehouse does not answer
  'WAREHOUSE_FULL', // the warehouse has no room
  'WAREHOUSE_REFUSED', // host, certificate, login, database, right or role is wrong: waiting does not help
  'WAREHOUSE_CONFLICT', // a concurrent transaction won
  'WAREHOUSE_SCHEMA', // the schema is missing or older than this build needs
  'WAREHOUSE_MISMATCH', // rows loaded differ from rows staged
  'RULES_INVALID', // a rules file breaks its schema
  'TIMEOUT', // a deadline passed
  'PROTOCOL', // a peer sent something outside its protocol
  'INTERNAL', // a broken invariant: a defect of ours
] as const;

export type ErrorCode = (typeof errorCodes)[number];

export class PlatformError extends Error {
  override readonly name = 'PlatformError';
  readonly code: ErrorCode;
  /** True when the same call may succeed later without anybody changing anything. */
  readonly retriable: boolean;

  constructor(code: ErrorCode, message: string, options: { retriable?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retriable = options.retriable ?? false;
  }
}

/** Turns anything thrown into an Error, keeping the original as `cause`. */
export function ensureError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new PlatformError('INTERNAL', `thrown: ${String(thrown)}`, { cause: thrown });
}

export function isPlatformError(thrown: unknown, code?: ErrorCode): thrown is PlatformError {
  return thrown instanceof PlatformError && (code === undefined || thrown.code === code);
}
