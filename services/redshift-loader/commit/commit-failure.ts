import { isPlatformError } from '../../lib/process/errors.ts';
import { type BackoffLimits, backoffMs } from '../../lib/producer/backoff.ts';
import { WarehouseError } from '../../lib/warehouse/pg-errors.ts';

const backoff: BackoffLimits = { baseMs: 500, capMs: 10_000 };
/** Every attempt writes before it fails, and somebody has to make room first. */
const fullPauseMs = 60_000;

export interface Care {
  /** Before the next attempt. */
  readonly waitMs: number;
  /** A maintenance window alarms nobody: what waits too long has an alarm of its own (`uncommitted_age_ms`). */
  readonly quiet: boolean;
  /** The warehouse has no room. */
  readonly full: boolean;
}

/** What a failed commit asks for. `failures`: in a row, this one included. */
export function careFor(thrown: unknown, failures: number, random: () => number): Care {
  const full = isPlatformError(thrown, 'WAREHOUSE_FULL');
  return {
    waitMs: full ? fullPauseMs : backoffMs(failures, backoff, random),
    quiet: thrown instanceof WarehouseError && thrown.fault === 'maintenance',
    full,
  };
}
