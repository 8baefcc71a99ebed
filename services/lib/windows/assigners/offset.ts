import { WindowError } from '../window-error.ts';

/** `either-sign`: |offset| < period (Flink). `non-negative`: 0 <= offset < period (Beam). */
export type OffsetConvention = 'either-sign' | 'non-negative';

/** Throws PARAMETER_INVALID. */
export function checkOffset(offset: number, period: number, convention: OffsetConvention): void {
  const least = convention === 'non-negative' ? 0 : 1 - period;
  if (!Number.isSafeInteger(offset) || offset < least || offset >= period) {
    throw new WindowError('PARAMETER_INVALID', `offset must be a whole number from ${least} to ${period - 1}, got ${offset}`);
  }
}
