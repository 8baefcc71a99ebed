import { type StageCopier, type StagedObject, StagedObjectError } from './copy.ts';
import type { Session } from './database.ts';
import { createTempTable } from './ddl.ts';
import { takeGate } from './gate.ts';
import { columnNames, fraudAlertGate } from './model.ts';
import { fraudAlert } from './model-reporting.ts';
import { literal, timestampText } from './sql.ts';
import { refreshStatistics } from './statistics.ts';

/** What of an alert still changes once it is stored. Epoch ms. */
export interface AlertMarks {
  readonly publishedAt?: number;
  readonly withheldAt?: number;
}

const columns = columnNames(fraudAlert).join(', ');
const asText = (column: string): string => `TO_CHAR(${column}, 'YYYY-MM-DD HH24:MI:SS.MS')`;
const marksText = (published: string, withheld: string): string => `${published}|${withheld}`;

/** As `knownAlerts` has it when the warehouse has these marks. */
export const textOfMarks = ({ publishedAt, withheldAt }: AlertMarks): string =>
  marksText(...([publishedAt, withheldAt].map((ms) => (ms === undefined ? '' : timestampText(ms))) as [string, string]));

/** The marks of the alerts raised from `first` to `last` (epoch ms, both included) that the warehouse has, by id. */
export async function knownAlerts(session: Session, first: number, last: number): Promise<ReadonlyMap<string, string>> {
  const { rows } = await session.query(
    `SELECT alert_id, COALESCE(${asText('published_at')}, '') AS published, COALESCE(${asText('withheld_at')}, '') AS withheld FROM fraud_alert
     WHERE raised_at >= ${literal(timestampText(first))} AND raised_at <= ${literal(timestampText(last))}`,
  );
  return new Map(rows.map((row) => [String(row['alert_id']), marksText(String(row['published']), String(row['withheld']))]));
}

const upsert: readonly string[] = [
  // Published is the last state of an alert: whoever read it before that, and comes later, has an older one.
  `DELETE FROM alert_stage USING fraud_alert
   WHERE fraud_alert.alert_id = alert_stage.alert_id AND fraud_alert.published_at IS NOT NULL AND alert_stage.published_at IS NULL`,
  'DELETE FROM fraud_alert USING alert_stage WHERE fraud_alert.alert_id = alert_stage.alert_id',
  `INSERT INTO fraud_alert (${columns}) SELECT ${columns} FROM alert_stage`,
  'DROP TABLE alert_stage',
];

/**
 * Puts the rows of a staged object in place of those with the same alert_id, in one transaction; each id may stand in it once. Rejects
 * before COMMIT when anything fails, then nothing has changed and the session is to be closed; also when COMMIT is not answered: the same
 * again does no harm.
 *
 * The gate is one of its own: nothing makes alert_id unique, so two at once would both delete what stands and both insert. The gate of the
 * events would keep them out too, and let a load of alerts keep events waiting.
 */
export async function replaceAlerts(session: Session, copier: StageCopier, object: StagedObject, rows: number): Promise<void> {
  await session.query('BEGIN');
  await takeGate(session, fraudAlertGate);
  await session.query('DROP TABLE IF EXISTS alert_stage');
  await session.query(createTempTable('alert_stage', fraudAlert, session.dialect));
  await copier.copy(session, 'alert_stage', columnNames(fraudAlert), [object]);
  const { rows: counted } = await session.query('SELECT COUNT(*) AS n FROM alert_stage');
  const copied = Number(counted[0]?.['n']);
  if (copied !== rows) throw new StagedObjectError(object.key, `${copied} rows copied, ${rows} staged`);
  await refreshStatistics(session, ['alert_stage (alert_id)', 'fraud_alert (alert_id)']);
  for (const statement of upsert) await session.query(statement);
  await session.query('COMMIT');
}
