import type { AlertRecord } from '../../services/lib/alerts/stored-alert.ts';
import { plain } from './view.ts';

type Flat = ReturnType<typeof plain>;

const time = (epochMs: number | undefined): string => (epochMs === undefined ? '' : new Date(epochMs).toISOString());

const columns: Readonly<Record<string, (alert: Flat) => string | number | boolean>> = {
  alertId: ({ alertId }) => alertId,
  ruleId: ({ ruleId }) => ruleId,
  ruleVersion: ({ ruleVersion }) => ruleVersion,
  mode: ({ mode }) => mode,
  severity: ({ severity }) => severity,
  action: ({ action }) => action,
  state: ({ state }) => state,
  warming: ({ warming }) => warming,
  user: ({ key }) => key,
  at: ({ at }) => time(at),
  arrivedAt: ({ arrivedAt }) => time(arrivedAt),
  raisedAt: ({ raisedAt }) => time(raisedAt),
  publishedAt: ({ publishedAt }) => time(publishedAt),
  withheldAt: ({ withheldAt }) => time(withheldAt),
  value: ({ value }) => value,
  evidenceCount: ({ evidenceCount }) => evidenceCount,
  triggeredBy: ({ triggeredBy }) => triggeredBy,
  evidence: ({ evidence }) => evidence.map(({ eventId, occurredAt }) => `${eventId}@${time(occurredAt)}`).join(' '),
  refused: ({ refused }) => refused ?? '',
};

/** RFC 4180; times are ISO 8601 in UTC. */
export const csvHeader = csvLine(Object.keys(columns));
export const csvRow = (record: AlertRecord): string => {
  const flat = plain(record);
  return csvLine(Object.values(columns).map((cell) => cell(flat)));
};

function csvLine(cells: readonly (string | number | boolean)[]): string {
  return `${cells.map((cell) => (typeof cell === 'string' ? quoted(cell) : String(cell))).join(',')}\r\n`;
}

/** Users choose their ids, and a spreadsheet runs what looks like a formula: such a cell begins with an apostrophe. */
function quoted(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
