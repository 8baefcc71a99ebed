import { type Plain, plainText } from '../plain.ts';
import type { ByteReader } from '../snapshot/byte-reader.ts';
import { readSnapshot } from '../snapshot/read.ts';
import { corrupt } from '../snapshot/snapshot-error.ts';
import { snapshotFrames } from '../snapshot/write.ts';
import { WindowError } from '../window-error.ts';

/** Format version of all operators' snapshots: rows of JSON, the first about the operator as a whole, then one per key or window. */
const version = 1;
/** A row that takes more than this (UTF-16 units, so at most three bytes each) is cut: a snapshot's record must stay below 1 MiB. */
const maxPiece = 262_144;

/**
 * Frames with rows of any size. The rows are made as the frames are asked for: `changes` must stay the same until the last, else this
 * throws STATE_INVALID rather than write two moments into one snapshot.
 */
export function* rowFrames(kind: string, rows: Iterable<unknown>, changes: () => number): Generator<Buffer> {
  const before = changes();
  const frames = snapshotFrames({ kind, version }, function* (out) {
    for (const row of rows) {
      const text = plainText(row);
      for (let from = 0; from < text.length; from += maxPiece) {
        out.byte(from + maxPiece < text.length ? 1 : 0);
        out.text(text.slice(from, from + maxPiece));
        yield;
      }
    }
  });
  for (const frame of frames) {
    if (changes() !== before) throw new WindowError('STATE_INVALID', 'the operator was changed while its snapshot was being taken');
    yield frame;
  }
}

/** Throws SNAPSHOT_CORRUPT and SNAPSHOT_VERSION; that nothing is missing is known only at the end. */
export function* readRows(kind: string, frames: Iterable<Uint8Array>): Generator<Plain> {
  let pieces = '';
  for (const { content } of readSnapshot(frames, { kind, versions: [version] })) {
    while (!content.done) {
      const more = content.byte() === 1;
      pieces += content.text();
      if (more) continue;
      yield rowOf(pieces);
      pieces = '';
    }
  }
  if (pieces !== '') throw corrupt('its last row is cut off');
}

function rowOf(text: ReturnType<ByteReader['text']>): Plain {
  try {
    return JSON.parse(text) as Plain;
  } catch (cause) {
    throw corrupt('a row is not JSON', cause);
  }
}
