import type { Logger } from '../lib/process/log.ts';
import type { Metrics } from '../lib/process/metrics.ts';
import type { BackoffLimits } from '../lib/producer/backoff.ts';
import type { Database } from '../lib/warehouse/database.ts';
import { countEvents, doubledIn, type EventCount, lastEventCount } from '../lib/warehouse/doubled-events.ts';

export interface DailyCheckParts {
  readonly database: Database;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly now: () => number;
}

/** How often it is asked whether the count is due. */
export const checkLookMs = 600_000;
/** A count that takes longer than a statement may is the whole table read for nothing: not again and again on the warehouse that loads. */
export const checkRetry: BackoffLimits = { baseMs: 60_000, capMs: 3_600_000 };
const dayMs = 86_400_000;
/** While events stand twice the count is made this often, so that whoever removes them sees it. */
const doubledIntervalMs = 3_600_000;

const dayOf = (epochMs: number): number => Math.floor(epochMs / dayMs);

/**
 * Once a UTC day the whole of booking_event is counted: that the loads keep each event once is thus not only promised but looked at. The
 * warehouse says when that was last, so a restart does not count again.
 */
export class DailyCheck {
  readonly #parts: DailyCheckParts;
  #last: EventCount | undefined;

  constructor(parts: DailyCheckParts) {
    this.#parts = parts;
  }

  async run(): Promise<void> {
    const { database, metrics, now } = this.#parts;
    if (!this.#isDue()) return;
    const session = await database.connect();
    try {
      this.#last = await lastEventCount(session);
      if (this.#isDue()) {
        this.#last = await countEvents(session, now);
        this.#report(this.#last);
      }
    } finally {
      await session.close();
    }
    if (this.#last !== undefined) metrics.gauge('events_doubled', doubledIn(this.#last));
  }

  #isDue(): boolean {
    if (this.#last === undefined) return true;
    const now = this.#parts.now();
    const { checkedAt } = this.#last;
    return dayOf(now) > dayOf(checkedAt) || (doubledIn(this.#last) > 0 && now >= checkedAt + doubledIntervalMs);
  }

  #report(count: EventCount): void {
    const { log } = this.#parts;
    const line = { event: 'events.counted', rows: count.rows, distinct: count.distinct, doubled: doubledIn(count) };
    if (line.doubled === 0) log.info(line, 'every event stands once in the warehouse');
    else log.error(line, 'events stand more than once in the warehouse: docs/runbooks/events-doubled.md');
  }
}
