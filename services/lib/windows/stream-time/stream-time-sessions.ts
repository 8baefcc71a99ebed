import type { KeyedRecord } from '../record.ts';
import type { SnapshotPart } from '../state/parts.ts';
import { addTime, checkSpan } from '../time.ts';
import { type OpenWindow, StreamTimeOperator, type StreamTimeOptions, type Update } from './stream-time-operator.ts';

export interface StreamTimeSessionsOptions<V, A, R> extends StreamTimeOptions<V, A, R> {
  readonly gap: number;
}

/**
 * Kafka's session windows, [first, last] with both ends included; records at most `gap` apart are one session. A record is dropped when
 * the session it would be part of ends before stream time − grace − gap; a session has closed when stream time is past
 * last + gap + grace (KStreamSessionWindowAggregate). On update, a session that others were merged into is told with its new bounds.
 */
export class StreamTimeSessions<V, R> extends StreamTimeOperator<V, R> {
  readonly #gap: number;

  constructor(options: StreamTimeSessionsOptions<V, unknown, R>) {
    super('stream-time-sessions', options);
    checkSpan('gap', options.gap, 1);
    this.#gap = options.gap;
  }

  static restore<V, A, R>(options: StreamTimeSessionsOptions<V, A, R>, parts: readonly SnapshotPart[]): StreamTimeSessions<V, R> {
    return new StreamTimeSessions<V, R>(options).restoreFrom(parts);
  }

  protected override closesAt({ end }: OpenWindow): number {
    return addTime(end, this.#gap + this.grace + 1);
  }

  protected override update({ key, timestamp, value }: KeyedRecord<V>, closeTime: number): Update {
    const near = [...this.windowsOf(key).values()]
      .filter(({ start, end }) => start <= timestamp + this.#gap && timestamp - this.#gap <= end)
      .sort((a, b) => a.start - b.start);
    const start = Math.min(timestamp, ...near.map((session) => session.start));
    const end = Math.max(timestamp, ...near.map((session) => session.end));
    if (end < addTime(closeTime, -this.#gap)) return { updated: [], missed: [[start, end]], used: false };
    // The first as it is: a session that grows by one record must not copy all that it holds.
    const [first, ...others] = near;
    let accumulator = first === undefined ? this.aggregate.create() : first.accumulator;
    for (const session of others) accumulator = this.aggregate.merge(accumulator, session.accumulator);
    const grown = first?.start === start ? first : undefined;
    for (const other of near) if (other !== grown) this.drop(key, other);
    const session: OpenWindow = grown ?? { start, end, accumulator };
    session.end = end;
    session.accumulator = this.aggregate.add(accumulator, value);
    if (grown === undefined) this.open(key, session);
    return { updated: [session], missed: [], used: true };
  }
}
