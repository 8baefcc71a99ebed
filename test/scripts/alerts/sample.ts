import type { AlertRecord } from '../../../services/lib/alerts/stored-alert.ts';
import type { Alert } from '../../../services/lib/rules/alert.ts';

export const noon = Date.UTC(2026, 10, 23, 12);

/** Evidence at these offsets (ms) from 2026-11-23 12:00; the last one triggered it. */
export function recordOf(offsets: readonly number[], alert: Partial<Alert> = {}, of: Partial<AlertRecord> = {}): AlertRecord {
  const evidence = offsets.map((offset, i) => ({ eventId: String(i + 1).padStart(32, 'e'), occurredAt: noon + offset }));
  const newest = evidence.at(-1) ?? { eventId: '', occurredAt: noon };
  return {
    alert: {
      alertId: 'a1'.padEnd(32, '0'),
      ruleId: 'reserve-cancel-churn',
      ruleVersion: 1,
      mode: 'live',
      severity: 'high',
      key: 'user-7',
      at: newest.occurredAt,
      triggeredBy: newest.eventId,
      value: offsets.length,
      evidenceCount: offsets.length,
      evidence,
      ...alert,
    },
    action: 'lock',
    arrivedAt: newest.occurredAt + 200,
    raisedAt: newest.occurredAt + 450,
    pending: false,
    ...of,
  };
}
