import { type StageCopier, type StagedObject, StagedObjectError } from './copy.ts';
import type { Session } from './database.ts';
import { createTempTable } from './ddl.ts';
import { bookingEvent, columnNames } from './model.ts';

/**
 * Tries the COPY of one object, loads nothing and takes no lock. Rejects as `copy` does, or when other than `rows` rows came of it.
 * Its transaction stays open: close the session.
 */
export async function copyAlone(session: Session, copier: StageCopier, object: StagedObject, rows: number): Promise<void> {
  await session.query('BEGIN');
  await session.query(createTempTable('load_alone', bookingEvent, session.dialect));
  await copier.copy(session, 'load_alone', columnNames(bookingEvent), [object]);
  const { rows: counted } = await session.query('SELECT COUNT(*) AS n FROM load_alone');
  const copied = Number(counted[0]?.['n']);
  if (copied !== rows) throw new StagedObjectError(object.key, `${copied} rows copied, ${rows} registered`);
}
