import type { ApiError } from '../protocol/errors.ts';
import type { Input } from '../protocol/input.ts';

/** What is to go wrong with one request; each member is absent unless it is. */
export interface Fate {
  /** Answered instead of doing anything. */
  readonly error?: ApiError;
  /** The connection is cut instead of doing anything. */
  readonly reset?: boolean;
  /** The request is carried out, its answer never sent. */
  readonly lost?: boolean;
  /** The answer is held back for so long. */
  readonly delayMs?: number;
}

const spared: Fate = {};

export class Faults {
  fateOf(_operation: string, _input: Input): Fate {
    return spared;
  }
}
