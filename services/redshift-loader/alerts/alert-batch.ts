import { type AlertItem, type AlertRecord, storedAlertOf } from '../../lib/alerts/stored-alert.ts';
import { deadLetter, type Outcome, ok } from '../../lib/events/outcome.ts';
import { isPlatformError } from '../../lib/process/errors.ts';
import { rowLine } from '../../lib/warehouse/csv-row.ts';
import { textOfMarks } from '../../lib/warehouse/fraud-alerts.ts';
import { fraudAlert } from '../../lib/warehouse/model-reporting.ts';

/** An alert as a row of fraud_alert. */
export interface AlertRow {
  readonly alertId: string;
  /** Epoch ms. */
  readonly raisedAt: number;
  /** `textOfMarks` */
  readonly marks: string;
  /** CSV */
  readonly line: string;
}

/** `unloadable`: no alert, or none that the warehouse takes. */
export function alertRow(item: AlertItem, loadedAt: number): Outcome<AlertRow, never, 'unloadable'> {
  let record: AlertRecord;
  try {
    record = storedAlertOf(item);
  } catch (error) {
    if (!isPlatformError(error, 'PROTOCOL')) throw error;
    return deadLetter('unloadable', error.message);
  }
  const { alert, action, raisedAt, arrivedAt, warming, publishedAt, withheldAt } = record;
  const line = rowLine(fraudAlert, {
    alert_id: alert.alertId,
    rule_id: alert.ruleId,
    rule_version: alert.ruleVersion,
    mode: alert.mode,
    severity: alert.severity,
    action,
    user_id: alert.key,
    at: alert.at,
    raised_at: raisedAt,
    arrived_at: arrivedAt,
    value: alert.value,
    evidence_count: alert.evidenceCount,
    evidence: alert.evidence,
    warming: warming === true ? 1 : 0,
    published_at: publishedAt,
    withheld_at: withheldAt,
    loaded_at: loadedAt,
  });
  return line.kind === 'ok' ? ok({ alertId: alert.alertId, raisedAt, marks: textOfMarks(record), line: line.value }) : line;
}

/** Rows that go to the warehouse together, each alert once. */
export class AlertBatch {
  readonly #rows = new Map<string, AlertRow>();
  #bytes = 0;

  get isEmpty(): boolean {
    return this.#rows.size === 0;
  }

  /** When the first and the last were raised, epoch ms. */
  get raised(): readonly [number, number] {
    const times = [...this.#rows.values()].map((row) => row.raisedAt);
    return [times.reduce((a, b) => Math.min(a, b)), times.reduce((a, b) => Math.max(a, b))];
  }

  add(row: AlertRow): void {
    this.#bytes += row.line.length;
    this.#rows.set(row.alertId, row);
  }

  isFull(limits: { readonly rows: number; readonly bytes: number }): boolean {
    return this.#rows.size >= limits.rows || this.#bytes >= limits.bytes;
  }

  /** Those that the warehouse does not have, or has with other marks. */
  changed(known: ReadonlyMap<string, string>): AlertRow[] {
    return [...this.#rows.values()].filter(({ alertId, marks }) => known.get(alertId) !== marks);
  }
}
