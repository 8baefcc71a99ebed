import { PlatformError } from '../process/errors.ts';

/** S3 allows 1,024 bytes a key; a file name holds 255. */
const maxKeyLength = 1_024;
const maxSegmentLength = 255;
const segment = /^[A-Za-z0-9._=@-]+$/;

export function isKey(key: string): boolean {
  if (key.length === 0 || key.length > maxKeyLength) return false;
  return key.split('/').every((part) => segment.test(part) && part.length <= maxSegmentLength && part !== '.' && part !== '..');
}

/** Throws INTERNAL: a key is made by our own code, never taken from input. */
export function assertKey(key: string): void {
  if (!isKey(key)) throw new PlatformError('INTERNAL', `not an object key: ${JSON.stringify(key.slice(0, 200))}`);
}

/** A prefix is any beginning of a key, the empty one included. */
export function assertPrefix(prefix: string): void {
  if (prefix === '' || isKey(prefix) || (prefix.endsWith('/') && isKey(prefix.slice(0, -1)))) return;
  throw new PlatformError('INTERNAL', `not an object key prefix: ${JSON.stringify(prefix.slice(0, 200))}`);
}
