import { randomUUID } from 'node:crypto';
import pino from 'pino';
import { type AlertItem, dayOf, itemOf } from '../../../services/lib/alerts/stored-alert.ts';
import { Metrics } from '../../../services/lib/process/metrics.ts';
import { postgresCopier, type StageCopier } from '../../../services/lib/warehouse/copy.ts';
import type { Database, Row } from '../../../services/lib/warehouse/database.ts';
import { AlertLoad, type AlertLoadParts } from '../../../services/redshift-loader/alerts/alert-load.ts';
import { recordOf } from '../../scripts/alerts/sample.ts';
import { MemoryStore } from '../../services/redshift-loader/memory.ts';

export const dayMs = 86_400_000;
/** Marks of an alert in the table, epoch ms. */
type Marks = Readonly<Partial<Record<'publishedAt' | 'withheldAt', number>>>;

/** An alerts table in memory, read by its days, and loads of it into a warehouse. */
export class AlertWorld {
  readonly #database: Database;
  readonly store = new MemoryStore();
  readonly metrics = new Metrics();
  readonly items = new Map<string, AlertItem>();
  now = Date.UTC(2026, 10, 23, 12);
  /** Days that were asked for. */
  readonly days: string[] = [];
  copies = 0;
  #alerts = 0;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Its id. */
  raise(raisedAt = this.now, { key = 'user-1', value = 3 } = {}): string {
    const alertId = `${randomUUID().replaceAll('-', '').slice(0, 26)}${String(++this.#alerts).padStart(6, '0')}`;
    this.items.set(
      alertId,
      itemOf(recordOf([-2_000, -1_000], { alertId, key, value, at: raisedAt - 500 }, { raisedAt, arrivedAt: raisedAt - 50 })),
    );
    return alertId;
  }

  mark(alertId: string, marks: Marks): void {
    const { pending: _, publishedAt: _p, withheldAt: _w, ...item } = this.items.get(alertId) ?? {};
    const times = Object.entries(marks).map(([name, ms]) => [name, { N: String(ms) }] as const);
    this.items.set(alertId, { ...item, ...Object.fromEntries(times) });
  }

  load(parts: Partial<AlertLoadParts> = {}): AlertLoad {
    const copier = postgresCopier(this.store);
    const counting: StageCopier = {
      copy: (...args) => {
        this.copies += 1;
        return copier.copy(...args);
      },
      refusal: (...args) => copier.refusal(...args),
    };
    return new AlertLoad({
      alerts: (day) => this.#itemsOf(day),
      database: this.#database,
      copier: counting,
      objects: this.store,
      lookBackDays: 30,
      signal: new AbortController().signal,
      log: pino({ level: 'silent' }),
      metrics: this.metrics,
      now: () => this.now,
      newId: randomUUID,
      ...parts,
    });
  }

  async *#itemsOf(day: string): AsyncIterable<AlertItem[]> {
    this.days.push(day);
    const raisedAt = (item: AlertItem): number => Number(item['raisedAt']?.N);
    const found = [...this.items.values()].filter((item) => (item['day']?.S ?? dayOf(raisedAt(item))) === day);
    found.sort((a, b) => raisedAt(a) - raisedAt(b));
    for (let at = 0; at < found.length; at += 3) yield found.slice(at, at + 3);
  }

  async select(sql: string): Promise<readonly Row[]> {
    const session = await this.#database.connect();
    try {
      return (await session.query(sql)).rows;
    } finally {
      await session.close();
    }
  }

  /** Of the world's alerts: `id → published|withheld`, `+` for one that stands, sorted; a doubled one is there twice. */
  async loaded(): Promise<string[]> {
    const rows = await this.select(
      'SELECT alert_id, published_at IS NOT NULL AS published, withheld_at IS NOT NULL AS withheld FROM fraud_alert',
    );
    return rows
      .filter((row) => this.items.has(String(row['alert_id'])))
      .map(
        (row) => `${String(row['alert_id'])}${row['published'] === true ? ' published' : ''}${row['withheld'] === true ? ' withheld' : ''}`,
      )
      .sort();
  }

  counter(name: string): number {
    return this.metrics.drain().counters.find((counter) => counter.name === name)?.value ?? 0;
  }

  gauge(name: string): number | undefined {
    return this.metrics.drain().gauges.find((gauge) => gauge.name === name)?.value;
  }
}
