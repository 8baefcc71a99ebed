import { ensureError, PlatformError } from '../process/errors.ts';

const unavailable = /^(08|53|57P|28|3D)/; // connection, resources, shutdown, login, no such database
const conflict = /^(40|55P03|57014)/; // serialization, deadlock, lock timeout, statement timeout
const schema = /^(42P01|42703|3F000)/; // no such table, column, schema
const refusedData = /^(22|Z_)/; // data exceptions; zlib: not gzip

/** SQLSTATEs (PostgreSQL manual, appendix A) in the platform's terms. Redshift reports a serialization conflict as XX000 with 1023. */
export function warehouseError(thrown: unknown, doing: string): PlatformError {
  const error = ensureError(thrown);
  if (error instanceof PlatformError) return error;
  const state = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const message = `${doing}: ${error.message}`;
  if (conflict.test(state) || /1023|conflict with concurrent transaction/.test(error.message)) {
    return new PlatformError('WAREHOUSE_CONFLICT', message, { retriable: true, cause: error });
  }
  if (schema.test(state)) return new PlatformError('WAREHOUSE_SCHEMA', `${message}; apply the migrations`, { cause: error });
  if (refusedData.test(state)) return new PlatformError('WAREHOUSE_MISMATCH', message, { cause: error });
  // No SQLSTATE at all: the socket, a timeout of the client, name resolution.
  const serverSpoke = /^[0-9A-Z]{5}$/.test(state) && !/^E[A-Z]{4}$/.test(state);
  if (unavailable.test(state) || !serverSpoke) {
    return new PlatformError('WAREHOUSE_UNAVAILABLE', message, { retriable: true, cause: error });
  }
  return new PlatformError('INTERNAL', message, { cause: error });
}
