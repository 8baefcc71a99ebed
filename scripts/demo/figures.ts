import { setTimeout as sleep } from 'node:timers/promises';
import type { Alert } from '../../services/lib/rules/alert.ts';
import type { Database } from '../../services/lib/warehouse/database.ts';
import type { SentRecord } from '../generate/send-log.ts';
import { percentiles } from '../judge/latency.ts';
import type { CaughtMessage } from '../local/sns/sns.ts';
import { parseMetrics, RunningCounters, type Sample } from './scrape.ts';
import type { ServiceProcess } from './service-process.ts';
import type { Phase, RatePoint, ShownAlert, Snapshot } from './snapshot.ts';

const intervalMs = 1_000;
const scrapeTimeoutMs = 2_000;
const shownAlerts = 50;
const historyPoints = 180;
const rateOverMs = 5_000;
const keptLatencies = 1_000;
const keptAnswers = 20_000;

/** What is watched; asked anew at each look, since it comes up piece by piece. */
export interface Watched {
  readonly services: () => readonly ServiceProcess[];
  readonly caught: () => readonly CaughtMessage[];
  readonly locked: () => number;
  readonly warehouse: () => Database | undefined;
  readonly sent: () => number;
}

/** Looks at everything once a second. Display only: no judgement rests on it. */
export class Figures {
  readonly #watched: Watched;
  readonly #counters = new RunningCounters();
  readonly #history: RatePoint[] = [];
  readonly #totals: { at: number; sent: number; routed: number; rows: number }[] = [];
  readonly #lag = new Map<string, Snapshot['lag'][number]>();
  readonly #answered = new Map<string, number>();
  readonly #latencies: number[] = [];
  readonly #alerts: ShownAlert[] = [];
  readonly #disturbances: { at: number; what: string }[] = [];
  readonly #alertIds = new Set<string>();
  #caught = 0;
  #warehouse: { rows: number; asOf: number | undefined } = { rows: 0, asOf: undefined };
  #warehouseLook: Promise<void> | undefined;
  #phase: Phase = 'starting';
  #sendingSince: number | undefined;
  #sendingUntil: number | undefined;
  #conclusion: string | undefined;

  constructor(watched: Watched) {
    this.#watched = watched;
  }

  get phase(): Phase {
    return this.#phase;
  }

  enter(phase: Phase, conclusion?: string): void {
    this.#phase = phase;
    this.#conclusion = conclusion ?? this.#conclusion;
  }

  sending(since: number, until: number | undefined): void {
    this.#sendingSince = since;
    this.#sendingUntil = until;
    this.enter('running');
  }

  disturbed(what: string): void {
    this.#disturbances.unshift({ at: Date.now(), what });
  }

  /** Remembers when planted cancellations were acknowledged, for the live latency. */
  acknowledged({ label, answeredAt }: SentRecord): void {
    const [eventId] = label.eventIds;
    if (label.episode === undefined || eventId === undefined || this.#answered.has(eventId)) return;
    if (this.#answered.size >= keptAnswers) this.#answered.clear();
    this.#answered.set(eventId, answeredAt);
  }

  /** Until the signal aborts; `onLook` after each look. */
  async watch(signal: AbortSignal, onLook: (snapshot: Snapshot) => void): Promise<void> {
    while (!signal.aborted) {
      await this.look();
      onLook(this.snapshot());
      await sleep(intervalMs, undefined, { signal }).catch(() => undefined);
    }
    await this.#warehouseLook;
  }

  async look(): Promise<void> {
    this.#warehouseLook ??= this.#lookAtWarehouse().finally(() => {
      this.#warehouseLook = undefined; // a load may hold it up: the other figures do not wait
    });
    await Promise.all(this.#watched.services().map((service) => this.#scrape(service)));
    this.#readAlerts();
    this.#measureRates();
  }

  async #scrape(service: ServiceProcess): Promise<void> {
    if (service.port === undefined) return;
    try {
      const answer = await fetch(`http://127.0.0.1:${service.port}/metrics`, { signal: AbortSignal.timeout(scrapeTimeoutMs) });
      const samples = parseMetrics(await answer.text());
      this.#counters.add(service.name, samples);
      this.#readLag(service, samples);
    } catch {
      // It is being restarted, or was killed a moment ago: the next look sees.
    }
  }

  #readLag(service: ServiceProcess, samples: readonly Sample[]): void {
    for (const key of this.#lag.keys()) if (key.startsWith(`${service.name} `)) this.#lag.delete(key);
    for (const { name, labels, value } of samples) {
      const shard = labels['shard'];
      if (name === 'millis_behind_latest' && shard !== undefined)
        this.#lag.set(`${service.name} ${shard}`, { service: service.name, shard, ms: value });
    }
  }

  async #lookAtWarehouse(): Promise<void> {
    const warehouse = this.#watched.warehouse();
    if (warehouse === undefined) return;
    const session = await warehouse.connect().catch(() => undefined);
    try {
      const now = new Date().toISOString().slice(0, 23).replace('T', ' ');
      // The ledger is small whatever the run's length, and occurred_at is indexed: this costs a long run nothing.
      const answer = await session?.query(
        `SELECT (SELECT SUM(rows_inserted) FROM load_ledger) AS n,
          CAST(EXTRACT(EPOCH FROM (SELECT MAX(occurred_at) FROM booking_event WHERE occurred_at <= '${now}')) * 1000 AS BIGINT) AS as_of`,
      );
      const row = answer?.rows[0];
      if (row) this.#warehouse = { rows: Number(row['n']), asOf: row['as_of'] === null ? undefined : Number(row['as_of']) };
    } catch {
      // Busy with a load: the figure stays what it was.
    } finally {
      await session?.close();
    }
  }

  #readAlerts(): void {
    const caught = this.#watched.caught();
    for (; this.#caught < caught.length; this.#caught++) {
      const message = caught[this.#caught];
      if (message === undefined) break;
      const alert = JSON.parse(message.message) as Alert;
      const answeredAt = this.#answered.get(alert.triggeredBy);
      if (answeredAt !== undefined) this.#latencies.push(message.receivedAt - answeredAt);
      if (this.#latencies.length > keptLatencies) this.#latencies.shift();
      const { alertId, ruleId, severity, key, at, value, evidence } = alert;
      if (this.#alertIds.has(alertId)) continue; // published twice: subscribers drop the second
      this.#alertIds.add(alertId);
      this.#alerts.unshift({ alertId, ruleId, severity, key, at, value, evidence, receivedAt: message.receivedAt });
      this.#alerts.length = Math.min(this.#alerts.length, shownAlerts);
    }
  }

  #measureRates(): void {
    const at = Date.now();
    const totals = {
      at,
      sent: this.#watched.sent(),
      routed: this.#counters.sum('event-router', 'events_routed'),
      rows: this.#warehouse.rows,
    };
    this.#totals.push(totals);
    while (this.#totals.length > 2 && at - (this.#totals[1]?.at ?? at) > rateOverMs) this.#totals.shift();
    const first = this.#totals[0] ?? totals;
    const seconds = Math.max(0.001, (at - first.at) / 1_000);
    const rate = (key: 'sent' | 'routed' | 'rows') => Math.max(0, Math.round((totals[key] - first[key]) / seconds));
    if (this.#sendingSince === undefined) return;
    this.#history.push({ at, sent: rate('sent'), routed: rate('routed'), rows: rate('rows') });
    if (this.#history.length > historyPoints) this.#history.shift();
  }

  snapshot(): Snapshot {
    const { at: _, ...rates } = this.#history.at(-1) ?? { at: 0, sent: 0, routed: 0, rows: 0 };
    const deadLetters = this.#counters.by('event-router', 'records_dead_lettered', 'reason');
    for (const [reason, n] of Object.entries(this.#counters.by('redshift-loader', 'records_dead_lettered', 'reason'))) {
      deadLetters[reason] = (deadLetters[reason] ?? 0) + n;
    }
    return {
      phase: this.#phase,
      now: Date.now(),
      sendingSince: this.#sendingSince,
      sendingUntil: this.#sendingUntil,
      services: this.#watched.services().map(({ name, state, starts }) => ({ name, state, starts })),
      totals: {
        sent: this.#watched.sent(),
        routed: this.#counters.sum('event-router', 'events_routed'),
        alerts: this.#alertIds.size,
        locks: this.#watched.locked(),
        rows: this.#warehouse.rows,
        repeats: this.#counters.sum('redshift-loader', 'rows_duplicate'),
      },
      drops: this.#counters.by('event-router', 'events_dropped', 'reason'),
      deadLetters,
      skipped: this.#counters.by('fraud-detector', 'events_skipped', 'reason'),
      rates,
      history: this.#history,
      lag: [...this.#lag.values()].sort((a, b) => (a.service + a.shard < b.service + b.shard ? -1 : 1)),
      dataAsOf: this.#warehouse.asOf,
      detect: this.#latencies.length === 0 ? undefined : percentiles(this.#latencies),
      alerts: this.#alerts,
      disturbances: this.#disturbances,
      conclusion: this.#conclusion,
    };
  }
}
