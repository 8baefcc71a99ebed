import type { Session } from './database.ts';
import { columnNames } from './model.ts';
import { warehouseCheck } from './model-reporting.ts';
import { integerLiteral, literal, timestampText } from './sql.ts';

/** A count over the whole of booking_event: `rows` of `distinct` events. */
export interface EventCount {
  /** Epoch ms. */
  readonly checkedAt: number;
  readonly rows: number;
  readonly distinct: number;
}

export const doubledIn = ({ rows, distinct }: EventCount): number => rows - distinct;

export async function lastEventCount(session: Session): Promise<EventCount | undefined> {
  // Times as text: what a driver makes of a time without a zone depends on the machine's.
  const { rows } = await session.query(
    `SELECT TO_CHAR(checked_at, 'YYYY-MM-DD HH24:MI:SS.MS') AS checked, rows AS total, distinct_events FROM warehouse_check
     ORDER BY checked_at DESC LIMIT 1`,
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  const checkedAt = Date.parse(`${String(row['checked']).replace(' ', 'T')}Z`);
  return { checkedAt, rows: Number(row['total']), distinct: Number(row['distinct_events']) };
}

/** Counts, in one statement, which sees each load whole or not at all, and keeps the figures in warehouse_check. */
export async function countEvents(session: Session, now: () => number): Promise<EventCount> {
  const { rows } = await session.query('SELECT COUNT(*) AS total, COUNT(DISTINCT event_id) AS distinct_events FROM booking_event');
  const count = { checkedAt: now(), rows: Number(rows[0]?.['total']), distinct: Number(rows[0]?.['distinct_events']) };
  const figures = [count.rows, count.distinct, doubledIn(count)].map(integerLiteral);
  await session.query(
    `INSERT INTO warehouse_check (${columnNames(warehouseCheck).join(', ')}) VALUES (${[literal(timestampText(count.checkedAt)), ...figures].join(', ')})`,
  );
  return count;
}
