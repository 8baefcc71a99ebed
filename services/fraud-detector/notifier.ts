import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import { ensureError, PlatformError } from '../lib/process/errors.ts';
import type { Logger } from '../lib/process/log.ts';
import type { Metrics } from '../lib/process/metrics.ts';
import { alertMessage } from './alert-message.ts';
import type { AlertStore } from './alert-store.ts';
import { PublishBudget } from './publish-budget.ts';
import type { StoredAlert } from './stored-alert.ts';

const concurrentPublishes = 8;
/** A topic or a table that is slow or away must not hold up the shard: the sweep takes what is left. */
const publishDeadlineMs = 3_000;
/** From the same start: what SNS has taken is to be marked too, or it would be published again. */
const markDeadlineMs = 6_000;
const sweepDeadlineMs = 3_000;
const pauseAfterFailureMs = 10_000;
const sweepIntervalMs = 10_000;
const sweepOlderThanMs = 10_000;
const sweepLimit = 25;

export interface NotifierOptions {
  readonly sns: Pick<SNSClient, 'send'>;
  readonly topicArn: string;
  readonly store: Pick<AlertStore, 'markPublished' | 'markWithheld' | 'pendingBefore' | 'claimForSweep'>;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Epoch ms. */
  readonly now: () => number;
  /** The kill switch: a rule whose alerts are stored and not published. Asked for every alert. Undefined: not known yet, so not published. */
  readonly withheld: (ruleId: string) => boolean | undefined;
  /** Of this process; what is above it stays pending. */
  readonly maxPerMinute: number;
}

/**
 * The outbox: publishes stored alerts to SNS, at least once, and marks them. A failure is logged and counted, never thrown:
 * the alert stays `pending`, and the sweep of whichever task comes first publishes it later. One that is withheld leaves the outbox
 * until a person releases it.
 */
export class Notifier {
  readonly #options: NotifierOptions;
  readonly #budget: PublishBudget;
  #pausedUntil = Number.NEGATIVE_INFINITY;
  #nextSweepAt = Number.NEGATIVE_INFINITY;

  constructor(options: NotifierOptions) {
    this.#options = options;
    this.#budget = new PublishBudget(options.maxPerMinute);
  }

  /** How many were published; the others stay pending, or are withheld. Takes at most 6 s. */
  async publish(alerts: readonly StoredAlert[]): Promise<number> {
    let published = 0;
    const deadlines = { publish: AbortSignal.timeout(publishDeadlineMs), mark: AbortSignal.timeout(markDeadlineMs) };
    for (let i = 0; i < alerts.length && this.#options.now() >= this.#pausedUntil; i += concurrentPublishes) {
      await Promise.all(
        alerts.slice(i, i + concurrentPublishes).map(async (stored) => {
          if (await this.#settle(stored, deadlines)) published++;
        }),
      );
    }
    return published;
  }

  /** Publishes what was left pending, by any task, more than 10 s ago; at most a few, and at most every 10 s. */
  async sweep(): Promise<void> {
    const { store, log, now } = this.#options;
    const at = now();
    const limit = Math.min(sweepLimit, this.#budget.left(at));
    if (at < this.#nextSweepAt || at < this.#pausedUntil || limit <= 0) return;
    this.#nextSweepAt = at + sweepIntervalMs;
    try {
      const deadline = AbortSignal.timeout(sweepDeadlineMs);
      const since = at - sweepOlderThanMs;
      const claimed: StoredAlert[] = [];
      for (const stored of await store.pendingBefore(since, limit, deadline)) {
        if (await store.claimForSweep(stored.alert.alertId, at, since, deadline)) claimed.push(stored);
      }
      if (claimed.length === 0) return;
      const published = await this.publish(claimed);
      log.info({ event: 'alerts.swept', claimed: claimed.length, published }, 'took alerts that were left pending');
    } catch (error) {
      log.warn({ event: 'alerts.sweep.failed', err: ensureError(error) }, 'the sweep of pending alerts failed, it is tried again');
    }
  }

  /** True when it was published. */
  async #settle(stored: StoredAlert, deadlines: { publish: AbortSignal; mark: AbortSignal }): Promise<boolean> {
    const { store, metrics, now } = this.#options;
    const { alertId, ruleId } = stored.alert;
    const withheld = this.#options.withheld(ruleId);
    if (withheld === undefined) return false;
    if (withheld) {
      await this.#marked(alertId, async () => {
        if (await store.markWithheld(alertId, now(), deadlines.mark)) metrics.count('alerts_withheld', 1, { rule: ruleId });
      });
      return false;
    }
    if (!this.#budget.take(now())) {
      metrics.count('alerts_throttled');
      return false;
    }
    if (!(await this.#sent(stored, deadlines.publish))) return false;
    const publishedAt = now();
    metrics.count('alerts_published');
    metrics.timing('detect_latency', publishedAt - stored.arrivedAt);
    await this.#marked(alertId, () => store.markPublished(alertId, publishedAt, deadlines.mark));
    return true;
  }

  async #sent(stored: StoredAlert, deadline: AbortSignal): Promise<boolean> {
    const { sns, topicArn, log, metrics, now } = this.#options;
    try {
      await sns.send(new PublishCommand(alertMessage(stored, topicArn)), { abortSignal: deadline });
      return true;
    } catch (cause) {
      this.#pausedUntil = now() + pauseAfterFailureMs;
      metrics.count('alerts_publish_failed');
      const { alertId } = stored.alert;
      const err = new PlatformError('NOTIFY_FAILED', `alert ${alertId} was not published`, { retriable: true, cause });
      log.warn({ event: 'alert.publish.failed', alertId, err }, 'the alert stays pending and is swept later');
      return false;
    }
  }

  /** An alert without its mark is still pending: the sweep comes to it, and publishes it once more. */
  async #marked(alertId: string, mark: () => Promise<void>): Promise<void> {
    try {
      await mark();
    } catch (error) {
      this.#options.metrics.count('alerts_mark_failed');
      this.#options.log.warn(
        { event: 'alert.mark.failed', alertId, err: ensureError(error) },
        'the alert stays pending and is swept later',
      );
    }
  }
}
