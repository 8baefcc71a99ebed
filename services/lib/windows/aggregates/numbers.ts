import { WindowError } from '../window-error.ts';

/** Larger ones are not told apart from their neighbours, and sums of them could grow beyond all numbers. */
const maxMagnitude = Number.MAX_SAFE_INTEGER;

/** Throws RECORD_INVALID. */
export function checkNumber(value: unknown): void {
  if (typeof value === 'number' && Math.abs(value) <= maxMagnitude) return;
  const found = typeof value === 'number' ? value : typeof value;
  throw new WindowError('RECORD_INVALID', `only numbers up to ±(2^53 − 1) can be aggregated, got ${found}`);
}
