import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import type { StoredAlert } from '../lib/alerts/stored-alert.ts';
import { ensureError, PlatformError } from '../lib/process/errors.ts';
import type { Logger } from '../lib/process/log.ts';
import type { Metrics } from '../lib/process/metrics.ts';
import { alertMessage, refusalOf } from './alert-message.ts';
import type { AlertStore } from './alert-store.ts';
import { PublishBudget } from './publish-budget.ts';

/** To SNS and to the table; a signal warns above 10 listeners. */
const concurrentCalls = 8;
/** A topic or a table that is slow or away must not hold up the shard: after this no more is begun, the sweep takes what is left. */
const publishForMs = 3_000;
/** Of one message: a topic that takes longer is taken for away. */
const publishDeadlineMs = 3_000;
/** From the beginning of all: what SNS has taken is to be marked too, or it would be published again. */
const markDeadlineMs = publishForMs + publishDeadlineMs + 2_000;
/** For finding and claiming; then publishing has its own. */
const sweepDeadlineMs = 3_000;
const pauseAfterFailureMs = 10_000;
const sweepIntervalMs = 10_000;
const sweepOlderThanMs = 10_000;
const sweepLimit = 25;
/** A backlog is swept page after page, with pauses of so many times what a page took: at most a quarter of the shard's time. */
const pausePerSweepTime = 3;
/** Of the budget, what no sweep uses: an alert that is raised while a backlog drains would go behind all of it. */
const keptForNew = 0.25;

export interface NotifierOptions {
  readonly sns: Pick<SNSClient, 'send'>;
  readonly topicArn: string;
  readonly store: Pick<AlertStore, 'markPublished' | 'markWithheld' | 'markRefused' | 'pendingBefore' | 'claimForSweep'>;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Epoch ms. */
  readonly now: () => number;
  /** The kill switch: a rule whose alerts are stored and not published. Asked for every alert. Undefined: not known yet, so not published. */
  readonly withheld: (ruleId: string) => boolean | undefined;
  /** Of this process; what is above it stays pending. */
  readonly maxPerMinute: number;
}

interface Deadlines {
  readonly publish: AbortSignal;
  readonly mark: AbortSignal;
}

/** unmarked: published, and still on the outbox. parked: off the outbox without being published. */
type Outcome = 'published' | 'unmarked' | 'parked' | 'pending';
const isPublished = (outcome: Outcome): boolean => outcome === 'published' || outcome === 'unmarked';
const isOff = (outcome: Outcome): boolean => outcome === 'published' || outcome === 'parked';

/**
 * The outbox: publishes stored alerts to SNS, at least once, and marks them. A failure is logged and counted, never thrown:
 * the alert stays `pending`, and the sweep of whichever task comes first publishes it later. One that is withheld, or that SNS refuses for
 * good, leaves the outbox until a person releases it.
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

  /** How many were published; the others stay pending, or are parked. Takes at most 8 s. */
  async publish(alerts: readonly StoredAlert[]): Promise<number> {
    return (await this.#settleAll(alerts)).filter(isPublished).length;
  }

  /**
   * Publishes what was left pending, by any task, more than 10 s ago: at most 25 alerts and 11 s a call, every 10 s, or sooner when there
   * are more and all went well.
   */
  async sweep(): Promise<void> {
    const { store, log, now, maxPerMinute } = this.#options;
    const at = now();
    const limit = Math.min(sweepLimit, Math.ceil(this.#budget.left(at) - keptForNew * maxPerMinute));
    if (at < this.#nextSweepAt || at < this.#pausedUntil || limit <= 0) return;
    this.#nextSweepAt = at + sweepIntervalMs;
    try {
      const deadline = AbortSignal.timeout(sweepDeadlineMs);
      const since = at - sweepOlderThanMs;
      const found = await store.pendingBefore(since, limit, deadline);
      const claimed: StoredAlert[] = [];
      for (const some of groupsOf(found)) {
        const isOurs = await Promise.all(some.map(({ alert }) => store.claimForSweep(alert.alertId, at, since, deadline)));
        claimed.push(...some.filter((_, i) => isOurs[i]));
      }
      if (claimed.length === 0) return;
      const outcomes = await this.#settleAll(claimed);
      const off = outcomes.filter(isOff).length;
      if (found.length === limit && off === claimed.length) {
        const end = now();
        this.#nextSweepAt = Math.min(this.#nextSweepAt, end + pausePerSweepTime * (end - at));
      }
      const published = outcomes.filter(isPublished).length;
      log.info({ event: 'alerts.swept', claimed: claimed.length, published }, 'took alerts that were left pending');
    } catch (error) {
      log.warn({ event: 'alerts.sweep.failed', err: ensureError(error) }, 'the sweep of pending alerts failed, it is tried again');
    }
  }

  /** Of those that it came to before a failure, and before its time was over: many alerts at once are no sign that the topic is away. */
  async #settleAll(alerts: readonly StoredAlert[]): Promise<readonly Outcome[]> {
    const { now } = this.#options;
    const outcomes: Outcome[] = [];
    const until = now() + publishForMs;
    const mark = AbortSignal.timeout(markDeadlineMs);
    for (const some of groupsOf(alerts)) {
      if (now() < this.#pausedUntil || now() >= until) break;
      const deadlines = { publish: AbortSignal.timeout(publishDeadlineMs), mark };
      outcomes.push(...(await Promise.all(some.map((stored) => this.#settle(stored, deadlines)))));
    }
    return outcomes;
  }

  async #settle(stored: StoredAlert, deadlines: Deadlines): Promise<Outcome> {
    const { sns, topicArn, store, metrics, now } = this.#options;
    const { alertId, ruleId } = stored.alert;
    const withheld = this.#options.withheld(ruleId);
    if (withheld === undefined) return 'pending';
    if (withheld) return this.#parked(stored, 'alerts_withheld', () => store.markWithheld(alertId, now(), deadlines.mark));
    if (!this.#budget.take(now())) {
      metrics.count('alerts_throttled');
      return 'pending';
    }
    try {
      await sns.send(new PublishCommand(alertMessage(stored, topicArn)), { abortSignal: deadlines.publish });
    } catch (cause) {
      return this.#failed(stored, cause, deadlines);
    }
    const publishedAt = now();
    metrics.count('alerts_published');
    metrics.timing('detect_latency', publishedAt - stored.arrivedAt);
    return (await this.#marked(alertId, () => store.markPublished(alertId, publishedAt, deadlines.mark))) ? 'published' : 'unmarked';
  }

  async #failed(stored: StoredAlert, cause: unknown, deadlines: Deadlines): Promise<Outcome> {
    const { store, log, metrics, now } = this.#options;
    const { alertId } = stored.alert;
    const refusal = refusalOf(cause);
    const err = new PlatformError('NOTIFY_FAILED', `alert ${alertId} was not published`, { retriable: refusal === undefined, cause });
    if (refusal !== undefined) {
      log.error({ event: 'alert.refused', alertId, code: refusal.code, err }, 'SNS will not take the alert: it leaves the outbox');
      return this.#parked(stored, 'alerts_refused', () => store.markRefused(alertId, now(), refusal.reason, deadlines.mark));
    }
    this.#pausedUntil = now() + pauseAfterFailureMs;
    metrics.count('alerts_publish_failed');
    log.warn({ event: 'alert.publish.failed', alertId, err }, 'the alert stays pending and is swept later');
    return 'pending';
  }

  async #parked({ alert: { alertId, ruleId } }: StoredAlert, metric: string, mark: () => Promise<boolean>): Promise<Outcome> {
    const isMarked = await this.#marked(alertId, async () => {
      if (await mark()) this.#options.metrics.count(metric, 1, { rule: ruleId });
    });
    return isMarked ? 'parked' : 'pending';
  }

  /** An alert without its mark is still pending: the sweep comes to it, and publishes it once more. */
  async #marked(alertId: string, mark: () => Promise<void>): Promise<boolean> {
    try {
      await mark();
      return true;
    } catch (error) {
      this.#options.metrics.count('alerts_mark_failed');
      this.#options.log.warn(
        { event: 'alert.mark.failed', alertId, err: ensureError(error) },
        'the alert stays pending and is swept later',
      );
      return false;
    }
  }
}

function* groupsOf<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let i = 0; i < all.length; i += concurrentCalls) yield all.slice(i, i + concurrentCalls);
}
