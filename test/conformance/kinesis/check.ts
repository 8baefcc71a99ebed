import type { Context } from './context.ts';

/**
 * What a target can do beyond the API itself.
 * `clock`: its time can be moved, so that minutes and days pass at once.
 * `slow-states`: CREATING, UPDATING and DELETING last long enough to be met.
 */
export type Capability = 'clock' | 'slow-states';

/** One small statement about the API, and the place in AWS's text that makes it. */
export interface Check {
  /** The statement: its operation first. Unique. */
  readonly id: string;
  /** Operation or data type of the API reference (or page of the Developer Guide), and what it says. */
  readonly cites: string;
  readonly needs?: readonly Capability[];
  /** Rejects when the statement does not hold. */
  run(context: Context): Promise<void>;
}

/** Why a target fails a check, and the sentence of AWS that it goes against. */
export interface Difference {
  readonly reason: string;
  /** What the check's failure says then: any other failure is not this difference. */
  readonly error: RegExp;
  readonly evidence: string;
}

/** By id of the check. */
export type Differences = Readonly<Record<string, Difference>>;

export type Outcome =
  /** `differs`: it fails, as the target's list of differences says. */
  | { readonly id: string; readonly ok: true; readonly differs?: string }
  | { readonly id: string; readonly ok: false; readonly error: string }
  /** The target lacks what the check needs. */
  | { readonly id: string; readonly unsupported: readonly Capability[] };
