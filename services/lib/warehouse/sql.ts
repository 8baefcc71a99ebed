import { PlatformError } from '../process/errors.ts';
import type { Dialect } from './ddl.ts';

const harmless = /^[\w.@:/+ =-]*$/;

/**
 * A text as SQL literal. Statements carry checked literals instead of bound parameters: Redshift cannot infer the type of a
 * parameter in a select list, and a simple query is one message, which a multiplexing local server cannot interleave.
 * All that is ever passed are our own ids, positions, keys and times; anything outside their alphabet throws INTERNAL.
 */
export function literal(value: string): string {
  if (!harmless.test(value)) throw new PlatformError('INTERNAL', `not a harmless SQL literal: ${JSON.stringify(value)}`);
  return `'${value}'`;
}

/** Any text as a SQL expression of harmless letters: its UTF-8 in hex, cut to `maxBytes`. NUL, which no warehouse text holds, becomes U+FFFD. */
export function textLiteral(value: string, maxBytes: number, dialect: Dialect): string {
  const bytes = Buffer.from(value.replaceAll('\0', '\uFFFD'), 'utf8');
  let end = Math.min(bytes.length, maxBytes);
  while (end < bytes.length && end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--; // not within a character
  const hex = literal(bytes.subarray(0, end).toString('hex'));
  return dialect === 'redshift' ? `FROM_VARBYTE(FROM_HEX(${hex}), 'utf8')` : `CONVERT_FROM(DECODE(${hex}, 'hex'), 'UTF8')`;
}

export function integerLiteral(value: number): string {
  if (!Number.isSafeInteger(value)) throw new PlatformError('INTERNAL', `not an integer: ${value}`);
  return String(value);
}

/** Epoch ms → `YYYY-MM-DD HH:MM:SS.mmm` (UTC), what COPY of both dialects and a comparison read. Years 0000 to 9999. */
export const timestampText = (epochMs: number): string => new Date(epochMs).toISOString().replace('T', ' ').slice(0, -1);
