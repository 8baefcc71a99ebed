import { dayOf } from '../../lib/alerts/stored-alert.ts';
import type { ObjectStore } from '../../lib/objects/object-store.ts';
import { isPlatformError } from '../../lib/process/errors.ts';
import type { Logger } from '../../lib/process/log.ts';
import type { Metrics } from '../../lib/process/metrics.ts';
import type { StageCopier } from '../../lib/warehouse/copy.ts';
import type { Database, Session } from '../../lib/warehouse/database.ts';
import { knownAlerts, replaceAlerts } from '../../lib/warehouse/fraud-alerts.ts';
import { endDeadHolders } from '../../lib/warehouse/gate.ts';
import { deadHolderMs } from '../commit/committer.ts';
import { alertsPrefix, packObject } from '../stage/stage-file.ts';
import { AlertBatch, alertRow } from './alert-batch.ts';
import type { AlertSource } from './alert-source.ts';

export interface AlertLoadParts {
  readonly alerts: AlertSource;
  readonly database: Database;
  readonly copier: StageCopier;
  readonly objects: Pick<ObjectStore, 'create' | 'delete'>;
  /** How far back a pass over everything goes. */
  readonly lookBackDays: number;
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly now: () => number;
  readonly newId: () => string;
  /** Of tests alone. */
  readonly batchRows?: number;
}

const dayMs = 86_400_000;
/** Of one transaction; an alert is some 2 KB, 10 KB at most. */
const batchLimits = { rows: 5_000, bytes: 16 * 1_024 * 1_024 };
/** Told of once each, up to as many. */
const maxSkipped = 10_000;

/**
 * Keeps fraud_alert as the alerts table has it. A pass reads the days since the last one began, and the day before; the first pass of a
 * process and the first of every UTC day read all of the last `lookBackDays`. So an alert that was raised or marked (published, withheld,
 * released) up to a day after it was raised is there after the next pass, one marked later after the next day has begun, and one marked
 * more than `lookBackDays` after it was raised never. Only what differs is written.
 */
export class AlertLoad {
  readonly #parts: AlertLoadParts;
  readonly #startedAt: number;
  #lastPass: number | undefined;
  readonly #skipped = new Set<string>();

  constructor(parts: AlertLoadParts) {
    this.#parts = parts;
    this.#startedAt = parts.now();
  }

  /** To be called while this task commits. */
  reportAge(): void {
    const { metrics, now } = this.#parts;
    metrics.gauge('fraud_alert_load_age_ms', Math.max(0, now() - (this.#lastPass ?? this.#startedAt)));
  }

  /** One pass. Rejects when the table, the object store or the warehouse does not answer: what is loaded by then is not loaded again. */
  async run(): Promise<void> {
    const { log, metrics, now } = this.#parts;
    const startedAt = now();
    const isFull = this.#lastPass === undefined || dayOf(this.#lastPass) !== dayOf(startedAt);
    let loaded = 0;
    for await (const [day, batch] of this.#batches(this.#days(startedAt, isFull))) {
      const rows = await this.#load(batch);
      loaded += rows;
      metrics.count('fraud_alerts_loaded', rows);
      if (isFull && rows > 0) log.info({ event: 'fraud_alerts.loading', day, loaded }, 'alerts are being loaded');
    }
    this.#lastPass = startedAt;
    this.reportAge();
    if (isFull) log.info({ event: 'fraud_alerts.loaded', loaded }, 'the warehouse has the alerts as they are stored');
  }

  /** Oldest first; to tomorrow, since clocks differ. */
  #days(startedAt: number, isFull: boolean): string[] {
    const { lookBackDays } = this.#parts;
    const first = isFull || this.#lastPass === undefined ? startedAt - lookBackDays * dayMs : this.#lastPass - dayMs;
    const count = Math.floor((startedAt + dayMs) / dayMs) - Math.floor(first / dayMs) + 1;
    return Array.from({ length: count }, (_, n) => dayOf(first + n * dayMs));
  }

  async *#batches(days: readonly string[]): AsyncIterable<readonly [string, AlertBatch]> {
    const { alerts, signal, now, batchRows } = this.#parts;
    const limits = { ...batchLimits, ...(batchRows !== undefined && { rows: batchRows }) };
    let batch = new AlertBatch();
    for (const day of days) {
      for await (const items of alerts(day, signal)) {
        for (const item of items) {
          const row = alertRow(item, now());
          if (row.kind === 'ok') batch.add(row.value);
          else if (row.kind === 'deadLetter') this.#skip(item['alertId']?.S ?? '', row.error);
          if (!batch.isFull(limits)) continue;
          yield [day, batch];
          batch = new AlertBatch();
        }
      }
      signal.throwIfAborted();
    }
    if (!batch.isEmpty) yield [days.at(-1) ?? '', batch];
  }

  #skip(alertId: string, error: string): void {
    if (this.#skipped.has(alertId) || this.#skipped.size >= maxSkipped) return;
    this.#skipped.add(alertId);
    this.#parts.metrics.count('fraud_alerts_skipped');
    this.#parts.log.warn({ event: 'fraud_alerts.skipped', alertId, error }, 'an item of the alerts table cannot be loaded');
  }

  /** How many of them were written. */
  async #load(batch: AlertBatch): Promise<number> {
    const { database, objects, copier, newId, signal } = this.#parts;
    const session = await database.connect();
    try {
      const rows = batch.changed(await knownAlerts(session, ...batch.raised));
      if (rows.length === 0) return 0;
      const { body, object } = await packObject(`${alertsPrefix}${newId()}.csv.gz`, Buffer.from(rows.map(({ line }) => line).join('')));
      signal.throwIfAborted();
      try {
        await objects.create(object.key, body, 'application/gzip');
        await replaceAlerts(session, copier, object, rows.length);
      } finally {
        await objects.delete(object.key).catch(() => undefined);
      }
      return rows.length;
    } catch (error) {
      if (isPlatformError(error, 'WAREHOUSE_CONFLICT')) await this.#endDeadHolders(session);
      throw error;
    } finally {
      await session.close();
    }
  }

  /** A dead task may hold the gate of alerts; that of the events is looked after by the committer. */
  async #endDeadHolders(session: Session): Promise<void> {
    await session.close();
    const ended = await endDeadHolders(this.#parts.database, deadHolderMs).catch(() => 0);
    if (ended > 0)
      this.#parts.log.warn({ event: 'fraud_alerts.ended_dead', ended }, 'ended sessions that held a gate without doing anything');
  }
}
