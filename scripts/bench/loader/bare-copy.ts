import type { Database } from '../../../services/lib/warehouse/database.ts';
import { bookingEvent, columnNames } from '../../../services/lib/warehouse/model.ts';

const chunkBytes = 65_536;

/** What nobody can beat: the same bytes, uncompressed and in memory, into an empty table like booking_event, committed. Milliseconds. */
export async function bareCopy(database: Database, csvs: readonly Buffer[], { indexes }: { readonly indexes: boolean }): Promise<number> {
  const session = await database.connect();
  try {
    await session.query('DROP TABLE IF EXISTS bare');
    await session.query(`CREATE TABLE bare (LIKE booking_event${indexes ? ' INCLUDING INDEXES' : ''})`);
    const from = performance.now();
    await session.query('BEGIN');
    for (const csv of csvs) {
      await session.copyIn(`COPY bare (${columnNames(bookingEvent).join(', ')}) FROM STDIN WITH (FORMAT csv, NULL '\\N')`, chunksOf(csv));
    }
    await session.query('COMMIT');
    const ms = performance.now() - from;
    await session.query('DROP TABLE bare');
    return ms;
  } finally {
    await session.close();
  }
}

async function* chunksOf(csv: Buffer): AsyncIterable<Buffer> {
  for (let at = 0; at < csv.length; at += chunkBytes) yield csv.subarray(at, at + chunkBytes);
}
