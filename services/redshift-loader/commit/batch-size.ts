import { WarehouseError } from '../../lib/warehouse/pg-errors.ts';
import type { FileRow } from '../registry/registry-rows.ts';
import type { PlanLimits } from './plan.ts';

/** Whether a statement ran out of its time (SessionLimits.statementMs). */
export const isTooSlow = (error: unknown): boolean => error instanceof WarehouseError && error.fault === 'slow';

/** A quarter more: a batch that is too large again costs the whole time of a statement, so several commits lie between two of them. */
const more = (limit: number): number => Math.ceil(limit * 1.25);

/** How much a batch may hold: half of one that took too long, then more with each commit, up to the configured limits. */
export class BatchSize {
  readonly #configured: PlanLimits;
  #limits: PlanLimits;

  constructor(configured: PlanLimits) {
    this.#configured = configured;
    this.#limits = configured;
  }

  get limits(): PlanLimits {
    return this.#limits;
  }

  /** A batch of these files took too long. */
  tooSlow(files: readonly FileRow[]): PlanLimits {
    const bytes = files.reduce((sum, file) => sum + file.csvBytes, 0);
    this.#limits = { maxFiles: Math.max(1, Math.floor(files.length / 2)), maxBytes: Math.max(1, Math.floor(bytes / 2)) };
    return this.#limits;
  }

  committed(): void {
    const { maxFiles, maxBytes } = this.#configured;
    this.#limits = { maxFiles: Math.min(maxFiles, more(this.#limits.maxFiles)), maxBytes: Math.min(maxBytes, more(this.#limits.maxBytes)) };
  }
}
