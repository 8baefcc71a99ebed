import type { Plain } from '../plain.ts';
import { corrupt, SnapshotError } from '../snapshot/snapshot-error.ts';
import { WindowError } from '../window-error.ts';
import { Floors, type InRange } from './floors.ts';
import { readRows } from './rows.ts';
import { savedList, savedText, savedTime } from './saved.ts';

/** What an operator takes over from one snapshot. */
export interface SnapshotPart {
  readonly frames: Iterable<Uint8Array>;
  /** Only the keys of this range, as `inRange` understands it. Needed for each of several parts: their watermarks differ. */
  readonly range?: string;
}

/**
 * Reads the parts into an operator: its floors, and `load` for each row of a key. Returns its time: the lowest of the parts, so that
 * nothing of the part that is behind is lost; keys of the others keep theirs by a floor. Throws STATE_INVALID where a range is missing.
 */
export function readParts(
  kind: string,
  parts: readonly SnapshotPart[],
  floors: Floors,
  inRange: InRange | undefined,
  load: (key: string, saved: Plain) => void,
): number {
  if (parts.length === 0) throw new WindowError('STATE_INVALID', 'there is no snapshot to restore from');
  const times = parts.map((part) => {
    const { range } = part;
    if (range === undefined ? parts.length > 1 : inRange === undefined) {
      throw new WindowError('STATE_INVALID', 'of several snapshots, or of some keys of one, say the range, and inRange in the options');
    }
    const holds = (key: string): boolean => range === undefined || inRange?.(key, range) === true;
    return readPart(kind, part, floors, inRange !== undefined, (key, saved) => {
      if (holds(key)) load(key, saved);
    });
  });
  const lowest = Math.min(...times);
  floors.passed(lowest);
  return lowest;
}

function readPart(
  kind: string,
  { frames, range }: SnapshotPart,
  floors: Floors,
  canTell: boolean,
  load: (key: string, saved: Plain) => void,
): number {
  let time: number | undefined;
  for (const row of readRows(kind, frames)) {
    const [first, saved = null] = savedList(row, 2);
    if (time === undefined) {
      const known = Floors.saved(saved);
      if (known.length > 0 && !canTell) throw new WindowError('STATE_INVALID', 'the snapshot speaks of ranges: inRange is missing');
      for (const floor of known) floors.add(floor.range, floor.time);
      time = savedTime(first);
      if (range !== undefined) floors.add(range, time);
    } else {
      loadRow(savedText(first), saved, load);
    }
  }
  if (time === undefined) throw corrupt('it has no rows');
  return time;
}

/** An aggregate or a trigger of the caller's own may fail in any way on what it did not save. */
function loadRow(key: string, saved: Plain, load: (key: string, saved: Plain) => void): void {
  try {
    load(key, saved);
  } catch (error) {
    throw error instanceof SnapshotError || error instanceof WindowError ? error : corrupt('a row is not what this operator writes', error);
  }
}
