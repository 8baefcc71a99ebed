/**
 * A place in a shard: (sequenceNumber, subSequenceNumber) as text that sorts like the numbers do.
 * Sequence padded to 129 digits, '.', sub-sequence padded to 10. Kinesis sequence numbers have about 56 digits today;
 * the API allows up to 129 (Kinesis API reference, SequenceNumber pattern `0|([1-9]\d{0,128})`).
 */
export type Position = string & { readonly __brand: 'Position' };

const sequenceDigits = 129;
const subSequenceDigits = 10;

export const trimHorizon = `${'0'.repeat(sequenceDigits)}.${'0'.repeat(subSequenceDigits)}` as Position;
/** Beyond every number: the shard is closed and wholly read. */
export const shardEnd = 'SHARD_END' as Position;

export function position(sequenceNumber: string, subSequenceNumber = 0): Position {
  if (sequenceNumber === 'SHARD_END') return shardEnd;
  if (sequenceNumber === 'TRIM_HORIZON') return trimHorizon;
  if (!/^\d{1,129}$/.test(sequenceNumber) || !Number.isInteger(subSequenceNumber) || subSequenceNumber < 0) {
    throw new TypeError(`not a stream position: ${sequenceNumber}/${subSequenceNumber}`);
  }
  return `${sequenceNumber.padStart(sequenceDigits, '0')}.${String(subSequenceNumber).padStart(subSequenceDigits, '0')}` as Position;
}

/** Negative, zero or positive as a lies before, at or after b. Digits sort before 'S', so text order is position order. */
export function comparePositions(a: Position, b: Position): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export const isAfter = (a: Position, b: Position): boolean => a > b;

/** The sequence number as Kinesis writes it; undefined for TRIM_HORIZON and SHARD_END. */
export function sequenceOf(p: Position): string | undefined {
  if (p === shardEnd || p === trimHorizon) return undefined;
  return p.slice(0, sequenceDigits).replace(/^0+(?=\d)/, '');
}

export function subSequenceOf(p: Position): number {
  return p === shardEnd ? 0 : Number(p.slice(sequenceDigits + 1));
}
