import { checkSpan, phaseOf } from '../time.ts';
import { WindowError } from '../window-error.ts';

/**
 * How the windows of one worker are moved against those of others, so that not all fire at the same moment (Flink: WindowStagger; it
 * is not the stagger window of Kinesis Data Analytics):
 *  - `aligned`: not at all;
 *  - `random`: by `share` (0 <= share < 1, the caller's random number) of the size;
 *  - `natural`: so that a window starts at `now`, the processing time of the worker's first record.
 */
export type WindowStagger =
  | { readonly kind: 'aligned' }
  | { readonly kind: 'random'; readonly share: number }
  | { readonly kind: 'natural'; readonly now: number };

/** The offset for tumbling windows. Keep it with the worker's state: another one after a restart would cut other windows. */
export function staggerOffset(stagger: WindowStagger, size: number, offset = 0): number {
  checkSpan('size', size, 1);
  switch (stagger.kind) {
    case 'aligned':
      return offset;
    case 'random':
      if (!(stagger.share >= 0 && stagger.share < 1)) {
        throw new WindowError('PARAMETER_INVALID', `share must be at least 0 and below 1, got ${stagger.share}`);
      }
      return (offset + Math.floor(stagger.share * size)) % size;
    case 'natural':
      return (offset + phaseOf(stagger.now, 0, size)) % size;
  }
}
