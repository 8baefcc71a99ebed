import { HoppingWindows } from '../assigners/hopping.ts';
import type { KeyedRecord } from '../record.ts';
import type { SnapshotPart } from '../state/parts.ts';
import { addTime, checkSpan } from '../time.ts';
import { type OpenWindow, StreamTimeOperator, type StreamTimeOptions, type Update } from './stream-time-operator.ts';

export interface StreamTimeWindowsOptions<V, A, R> extends StreamTimeOptions<V, A, R> {
  readonly size: number;
  /** Default: the size (tumbling). At most the size. */
  readonly slide?: number;
}

/**
 * Kafka's tumbling and hopping windows, [start, end), aligned to 0: open while end > stream time − grace, so closed at a stream time of
 * end + grace (KStreamWindowAggregate).
 */
export class StreamTimeWindows<V, R> extends StreamTimeOperator<V, R> {
  readonly #assigner: HoppingWindows;

  constructor(options: StreamTimeWindowsOptions<V, unknown, R>) {
    super('stream-time-windows', options);
    const { size, slide = size } = options;
    checkSpan('size', size, 1);
    this.#assigner = new HoppingWindows({ size, slide, gaps: 'rejected', negativeStarts: 'left-out' });
  }

  static restore<V, A, R>(options: StreamTimeWindowsOptions<V, A, R>, parts: readonly SnapshotPart[]): StreamTimeWindows<V, R> {
    return new StreamTimeWindows<V, R>(options).restoreFrom(parts);
  }

  protected override closesAt({ end }: OpenWindow): number {
    return addTime(end, this.grace);
  }

  protected override update({ key, timestamp, value }: KeyedRecord<V>, closeTime: number): Update {
    const updated: OpenWindow[] = [];
    const missed: (readonly [number, number])[] = [];
    for (const { start, end } of this.#assigner.assign(timestamp)) {
      if (end <= closeTime) {
        missed.push([start, end]);
        continue;
      }
      let window = this.windowsOf(key).get(start);
      if (window === undefined) {
        window = { start, end, accumulator: this.aggregate.create() };
        this.open(key, window);
      }
      window.accumulator = this.aggregate.add(window.accumulator, value);
      updated.push(window);
    }
    return { updated, missed, used: updated.length > 0 };
  }
}
