import type { Plain } from '../plain.ts';
import { corrupt, SnapshotError } from '../snapshot/snapshot-error.ts';
import { WindowError } from '../window-error.ts';
import { type Floor, Floors, type InRange } from './floors.ts';
import { readRows } from './rows.ts';
import { savedList, savedText, savedTime } from './saved.ts';

/** What an operator takes over from one snapshot. */
export interface SnapshotPart {
  readonly frames: Iterable<Uint8Array>;
  /** Only the keys of this range, as `inRange` understands it. Needed for each of several parts: their watermarks differ. */
  readonly range?: string;
}

/** What a part says of time. */
interface PartTimes {
  readonly range: string | undefined;
  readonly time: number;
  /** That it had inherited itself. */
  readonly floors: readonly Floor[];
}

/** `canTell`: it is known which keys lie in a range. Throws STATE_INVALID where that, a range, or a part is missing. */
export function checkRanges(parts: readonly { readonly range?: string | undefined }[], canTell: boolean): void {
  if (parts.length === 0) throw new WindowError('STATE_INVALID', 'there is no snapshot to restore from');
  for (const { range } of parts) {
    if (range === undefined ? parts.length > 1 : !canTell) {
      throw new WindowError('STATE_INVALID', 'of several snapshots, or of some keys of one, say the range, and inRange in the options');
    }
  }
}

/**
 * Adds what the parts say of time to the floors, and returns the time that holds for all: the lowest of theirs, so that nothing of the
 * part that is behind is lost; keys of the others keep theirs by a floor. Throws STATE_INVALID where floors
 * are inherited and it is not known which keys lie in a range.
 */
export function inheritTimes(parts: readonly PartTimes[], floors: Floors, canTell: boolean): number {
  for (const { range, time, floors: inherited } of parts) {
    if (inherited.length > 0 && !canTell) throw new WindowError('STATE_INVALID', 'the snapshot speaks of ranges: inRange is missing');
    for (const floor of inherited) floors.add(floor.range, floor.time);
    if (range !== undefined) floors.add(range, time);
  }
  const lowest = Math.min(...parts.map(({ time }) => time));
  floors.passed(lowest);
  return lowest;
}

/** Reads the parts into an operator: its floors, and `load` for each row of a key. Returns its time. Throws as `checkRanges` and `inheritTimes`. */
export function readParts(
  kind: string,
  parts: readonly SnapshotPart[],
  floors: Floors,
  inRange: InRange | undefined,
  load: (key: string, saved: Plain) => void,
): number {
  checkRanges(parts, inRange !== undefined);
  const times = parts.map(({ frames, range }): PartTimes => {
    const holds = (key: string): boolean => range === undefined || inRange?.(key, range) === true;
    const found = readPart(kind, frames, (key, saved) => {
      if (holds(key)) load(key, saved);
    });
    return { ...found, range };
  });
  return inheritTimes(times, floors, inRange !== undefined);
}

function readPart(kind: string, frames: Iterable<Uint8Array>, load: (key: string, saved: Plain) => void): Omit<PartTimes, 'range'> {
  let times: Omit<PartTimes, 'range'> | undefined;
  for (const row of readRows(kind, frames)) {
    const [first, saved = null] = savedList(row, 2);
    if (times === undefined) times = { time: savedTime(first), floors: Floors.saved(saved) };
    else loadRow(savedText(first), saved, load);
  }
  if (times === undefined) throw corrupt('it has no rows');
  return times;
}

/** An aggregate or a trigger of the caller's own may fail in any way on what it did not save. */
function loadRow(key: string, saved: Plain, load: (key: string, saved: Plain) => void): void {
  try {
    load(key, saved);
  } catch (error) {
    throw error instanceof SnapshotError || error instanceof WindowError ? error : corrupt('a row is not what this operator writes', error);
  }
}
