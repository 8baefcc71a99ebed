import { WindowError } from '../window-error.ts';

/** Throws RECORD_INVALID. */
export function checkNumber(value: unknown): void {
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw new WindowError(
      'RECORD_INVALID',
      `only finite numbers can be aggregated, got ${typeof value === 'number' ? value : typeof value}`,
    );
  }
}
