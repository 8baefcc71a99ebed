import { WindowError } from './window-error.ts';

/**
 * Times and spans are whole numbers of one unit, in practice epoch milliseconds. A record's time lies strictly between these two:
 * a watermark of minTime says that nothing is known yet, one of maxTime that no record will come any more.
 */
export const minTime = -Number.MAX_SAFE_INTEGER;
export const maxTime = Number.MAX_SAFE_INTEGER;

/** time + span, held at the extremes: a window's end or its lateness must not wrap or lose its last digit. */
export function addTime(time: number, span: number): number {
  const sum = time + span;
  if (sum >= maxTime) return maxTime;
  return sum <= minTime ? minTime : sum;
}

/** The remainder in [0, divisor), also of negative numbers. */
export function floorMod(value: number, divisor: number): number {
  const remainder = value % divisor;
  return remainder < 0 ? remainder + divisor : remainder + 0;
}

/**
 * How far a time lies behind the newest multiple of `period` (counted from `offset`) that is not after it: in [0, period). The start of a
 * tumbling window is time − phase (Flink: TimeWindow.getWindowStartWithOffset). Exact for all safe integers.
 */
export const phaseOf = (time: number, offset: number, period: number): number =>
  offset === 0 ? floorMod(time, period) : floorMod(floorMod(time, period) - floorMod(offset, period), period);

/** The time, −0 as 0. Throws RECORD_INVALID. */
export function recordTime(timestamp: number): number {
  if (!Number.isSafeInteger(timestamp) || timestamp === minTime || timestamp === maxTime) {
    throw new WindowError('RECORD_INVALID', `a record's time must be a whole number between ±(2^53 − 1), got ${timestamp}`);
  }
  return timestamp + 0;
}

/** The watermark, −0 as 0. Throws PARAMETER_INVALID: one that is no whole number would stop time for good. */
export function checkedWatermark(watermark: number): number {
  if (!Number.isSafeInteger(watermark)) {
    throw new WindowError('PARAMETER_INVALID', `a watermark must be a whole number between ±(2^53 − 1), got ${watermark}`);
  }
  return watermark + 0;
}

/** Throws PARAMETER_INVALID unless `value` is a whole number of at least `least` and below 2^53 − 1. */
export function checkSpan(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least || value === maxTime) {
    throw new WindowError('PARAMETER_INVALID', `${name} must be a whole number of at least ${least}, got ${value}`);
  }
}
