import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import { ensureError, PlatformError } from '../lib/process/errors.ts';
import type { Logger } from '../lib/process/log.ts';
import type { Metrics } from '../lib/process/metrics.ts';
import type { AlertStore } from './alert-store.ts';
import type { StoredAlert } from './stored-alert.ts';

const concurrentPublishes = 8;
/** A topic that is slow or away must not hold up the shard: the sweep takes what is left. */
const publishDeadlineMs = 3_000;
const pauseAfterFailureMs = 10_000;
const sweepIntervalMs = 10_000;
const sweepOlderThanMs = 10_000;
const sweepLimit = 25;

/**
 * The outbox: publishes stored alerts to SNS, at least once, and marks them. A failure is logged and counted, never thrown:
 * the alert stays `pending`, and the sweep of whichever task comes first publishes it later.
 */
export class Notifier {
  readonly #sns: SNSClient;
  readonly #topicArn: string;
  readonly #store: AlertStore;
  readonly #log: Logger;
  readonly #metrics: Metrics;
  readonly #now: () => number;
  #pausedUntil = Number.NEGATIVE_INFINITY;
  #nextSweepAt = Number.NEGATIVE_INFINITY;

  constructor(options: {
    readonly sns: SNSClient;
    readonly topicArn: string;
    readonly store: AlertStore;
    readonly log: Logger;
    readonly metrics: Metrics;
    readonly now: () => number;
  }) {
    this.#sns = options.sns;
    this.#topicArn = options.topicArn;
    this.#store = options.store;
    this.#log = options.log;
    this.#metrics = options.metrics;
    this.#now = options.now;
  }

  /** The alerts that were published and when (epoch ms); the others stay pending. */
  async publish(alerts: readonly StoredAlert[]): Promise<ReadonlyMap<string, number>> {
    const published = new Map<string, number>();
    const deadline = AbortSignal.timeout(publishDeadlineMs);
    for (let i = 0; i < alerts.length && this.#now() >= this.#pausedUntil; i += concurrentPublishes) {
      await Promise.all(
        alerts.slice(i, i + concurrentPublishes).map(async (stored) => {
          const at = await this.#publishOne(stored, deadline);
          if (at !== undefined) published.set(stored.alert.alertId, at);
        }),
      );
    }
    return published;
  }

  /** Publishes what was left pending, by any task, more than 10 s ago; at most a few, and at most every 10 s. */
  async sweep(): Promise<void> {
    const now = this.#now();
    if (now < this.#nextSweepAt || now < this.#pausedUntil) return;
    this.#nextSweepAt = now + sweepIntervalMs;
    try {
      const left = await this.#store.pendingBefore(now - sweepOlderThanMs, sweepLimit);
      const claimed: StoredAlert[] = [];
      for (const stored of left) {
        if (await this.#store.claimForSweep(stored.alert.alertId, now, now - sweepOlderThanMs)) claimed.push(stored);
      }
      if (claimed.length === 0) return;
      const published = await this.publish(claimed);
      this.#log.info(
        { event: 'alerts.swept', claimed: claimed.length, published: published.size },
        'published alerts that were left pending',
      );
    } catch (error) {
      this.#log.warn({ event: 'alerts.sweep.failed', err: ensureError(error) }, 'the sweep of pending alerts failed, it is tried again');
    }
  }

  async #publishOne(stored: StoredAlert, deadline: AbortSignal): Promise<number | undefined> {
    const { alert, action } = stored;
    try {
      await this.#sns.send(
        new PublishCommand({
          TopicArn: this.#topicArn,
          Message: JSON.stringify(alert),
          MessageAttributes: {
            severity: attribute(alert.severity),
            ruleId: attribute(alert.ruleId),
            mode: attribute(alert.mode),
            action: attribute(action),
          },
        }),
        { abortSignal: deadline },
      );
      const publishedAt = this.#now();
      this.#metrics.count('alerts_published');
      await this.#store.markPublished(alert.alertId, publishedAt);
      return publishedAt;
    } catch (cause) {
      this.#pausedUntil = this.#now() + pauseAfterFailureMs;
      this.#metrics.count('alerts_publish_failed');
      const err = new PlatformError('NOTIFY_FAILED', `alert ${alert.alertId} was not published`, { retriable: true, cause });
      this.#log.warn({ event: 'alert.publish.failed', alertId: alert.alertId, err }, 'the alert stays pending and is swept later');
      return undefined;
    }
  }
}

const attribute = (value: string): { DataType: string; StringValue: string } => ({ DataType: 'String', StringValue: value });
