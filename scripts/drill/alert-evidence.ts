import { type HashRange, hashKeyOf, inRange } from '../../services/lib/kcl/shards.ts';
import type { Alert } from '../../services/lib/rules/alert.ts';
import type { CaughtMessage } from '../local/sns/sns.ts';

/** An alert that subscribers got, with when the record that raised it was acknowledged. Times are epoch ms. */
interface Seen {
  readonly hash: bigint;
  readonly answeredAt: number;
  readonly receivedAt: number;
}

/**
 * Whether the whole path is alive, from the change stream to the subscriber: an alert that was raised by a record sent after a moment
 * shows that its shard is read, stored and published again. (A gauge of a consumer that stands still shows the past.)
 */
export class AlertEvidence {
  readonly #answeredAt: (eventId: string) => number | undefined;
  readonly #seen: Seen[] = [];
  #read = 0;

  /** `answeredAt`: when Kinesis had acknowledged an event. */
  constructor(answeredAt: (eventId: string) => number | undefined) {
    this.#answeredAt = answeredAt;
  }

  /** Takes in what has come since the last look; `caught` only grows. */
  look(caught: readonly CaughtMessage[]): void {
    for (; this.#read < caught.length; this.#read++) {
      const { message = '', receivedAt = 0 } = caught[this.#read] ?? {};
      const { triggeredBy, key } = JSON.parse(message) as Alert;
      const answeredAt = this.#answeredAt(triggeredBy);
      if (answeredAt !== undefined) this.#seen.push({ hash: hashKeyOf(key), answeredAt, receivedAt });
    }
  }

  /** When the first alert of the range arrived whose record was sent after `since`; undefined: none yet. */
  firstAfter(since: number, range: HashRange): number | undefined {
    const arrivals = this.#seen.filter((seen) => seen.answeredAt > since && inRange(seen.hash, range)).map(({ receivedAt }) => receivedAt);
    return arrivals.length === 0 ? undefined : Math.min(...arrivals);
  }
}
