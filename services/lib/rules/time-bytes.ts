import type { ByteReader } from '../windows/snapshot/byte-reader.ts';
import { corrupt } from '../windows/snapshot/snapshot-error.ts';

/** An event time of a snapshot, epoch ms. SNAPSHOT_CORRUPT for what is none: beside NaN or infinity all would be late, or nothing ever. */
export function readTime(from: ByteReader): number {
  return checked(from.float64());
}

/** The same, or -Infinity where there has been none yet. */
export function readLastTime(from: ByteReader): number {
  const time = from.float64();
  return time === Number.NEGATIVE_INFINITY ? time : checked(time);
}

function checked(time: number): number {
  if (!Number.isSafeInteger(time)) throw corrupt(`a time of ${time}`);
  return time;
}
