import { checkOffset } from '../assigners/offset.ts';
import type { InRange } from '../state/floors.ts';
import { defaultPartitionBits } from '../tables/partitions.ts';
import { checkSpan } from '../time.ts';
import { WindowError } from '../window-error.ts';

/** All times in one unit, in practice milliseconds. */
export interface WindowCountsOptions {
  readonly size: number;
  /** From one window's start to the next; it must divide the size. Default: the size, which makes tumbling windows. */
  readonly slide?: number;
  readonly offset?: number;
  /** How far records may be out of order: the watermark is the newest time used − disorder − 1. */
  readonly disorder: number;
  /**
   * A record further behind the watermark is late even while a window it lies in is open, and ids are kept only so long. Default: as
   * in Flink, a record is late when all its windows have closed.
   */
  readonly maxDelay?: number;
  /** Adds the records' values too, whole numbers of either sign. Default: counts only. */
  readonly summing?: boolean;
  /** While so many keys have records, one of another key is refused. */
  readonly maxKeys?: number;
  /** While there are so many cells, any record is refused. */
  readonly maxCells?: number;
  readonly partitionBits?: number;
  /** Needed to restore parts of snapshots: which keys lie in a range. */
  readonly inRange?: InRange;
}

const defaultMaxKeys = 16_777_216; // about 2 GiB
const defaultMaxCells = 67_108_864; // 512 MiB, or 1 GiB with sums
/** Slices of a window, and of the time a record may be ahead of the watermark. */
const maxSlices = 100_000;

/** Fills in the defaults. Throws PARAMETER_INVALID. */
export function checkedOptions(options: WindowCountsOptions) {
  const { size, slide = size, offset = 0, disorder, maxDelay, summing = false, inRange = () => true } = options;
  const { maxKeys = defaultMaxKeys, maxCells = defaultMaxCells, partitionBits = defaultPartitionBits } = options;
  checkSpan('size', size, 1);
  checkSpan('slide', slide, 1);
  checkOffset(offset, slide, 'either-sign');
  checkSpan('disorder', disorder, 0);
  if (maxDelay !== undefined) checkSpan('maxDelay', maxDelay, 0);
  checkSpan('maxKeys', maxKeys, 1);
  checkSpan('maxCells', maxCells, 1);
  if (maxCells > defaultMaxCells * 16) throw new WindowError('PARAMETER_INVALID', `maxCells must be at most ${defaultMaxCells * 16}`);
  if (size % slide !== 0) throw new WindowError('PARAMETER_INVALID', `slide must divide size, got ${size} and ${slide}`);
  if ((size + disorder) / slide > maxSlices) {
    throw new WindowError('PARAMETER_INVALID', `size and disorder make more than ${maxSlices} slices of ${slide}`);
  }
  return {
    size,
    slide,
    offset,
    disorder,
    maxDelay: maxDelay ?? Number.POSITIVE_INFINITY,
    summing,
    maxKeys,
    maxCells,
    partitionBits,
    inRange,
  };
}

export type CheckedOptions = ReturnType<typeof checkedOptions>;
