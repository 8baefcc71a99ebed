import { type Plain, plainProblem } from '../plain.ts';
import { corrupt, type SnapshotError } from '../snapshot/snapshot-error.ts';

// What a row must hold. A sound checksum says that the bytes are those that were written, not that this operator with these options wrote
// them; a time that is none would stop the timers for good. All throw SNAPSHOT_CORRUPT.

/** Undefined: an item that a list does not have. */
type Saved = Plain | undefined;

/** For what a loader finds wrong itself. */
export const misplaced = (saved: Saved, what: string): SnapshotError =>
  corrupt(`a row holds ${saved === null ? 'null' : Array.isArray(saved) ? 'a list' : `a ${typeof saved}`} instead of ${what}`);

/** A list, of `length` items if given. */
export function savedList(saved: Saved, length?: number): readonly Plain[] {
  if (!Array.isArray(saved) || (length !== undefined && saved.length !== length)) {
    throw misplaced(saved, length === undefined ? 'a list' : `a list of ${length}`);
  }
  return saved as readonly Plain[];
}

export function savedText(saved: Saved): string {
  if (typeof saved !== 'string') throw misplaced(saved, 'a text');
  return saved;
}

export function savedFlag(saved: Saved): boolean {
  if (typeof saved !== 'boolean') throw misplaced(saved, 'a yes or no');
  return saved;
}

export function savedNumber(saved: Saved): number {
  if (typeof saved !== 'number' || !Number.isFinite(saved)) throw misplaced(saved, 'a number');
  return saved;
}

export function savedTime(saved: Saved): number {
  if (typeof saved !== 'number' || !Number.isSafeInteger(saved)) throw misplaced(saved, 'a time');
  return saved;
}

export function savedCount(saved: Saved): number {
  if (typeof saved !== 'number' || !Number.isSafeInteger(saved) || saved < 0) throw misplaced(saved, 'a count');
  return saved;
}

/** A value that a record brought and that is kept as it is. */
export function savedValue(saved: Saved): Plain {
  const problem = plainProblem(saved, 'value');
  if (problem !== undefined) throw corrupt(problem);
  return saved as Plain;
}
