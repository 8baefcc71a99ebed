import type { Table } from './columns.ts';
import type { Session } from './database.ts';
import type { LoadBatch } from './load.ts';
import { columnNames, loadLedger, quarantine, quarantineBytes } from './model.ts';
import { integerLiteral, literal, textLiteral, timestampText } from './sql.ts';

const ledgerRowsPerStatement = 200;
/** A row is up to 20 KB of SQL. */
const quarantineRowsPerStatement = 50;

/** What became of each file. `inserted`: rows per file. */
export async function writeLedger(session: Session, batch: LoadBatch, inserted: ReadonlyMap<string, number>, nowMs: number): Promise<void> {
  const rows = batch.chains.flatMap(({ shardId, files }) =>
    files.map((file) => {
      const texts = [batch.batchId, file.fileId, batch.application, batch.streamId, shardId, file.from, file.to].map(literal);
      const object = file.object === undefined ? 'NULL' : literal(file.object.key);
      const counts = [file.rows, inserted.get(file.fileId) ?? 0].map(integerLiteral);
      const refused = integerLiteral(file.quarantined?.length ?? 0);
      return `(${[...texts, object, ...counts, literal(timestampText(nowMs)), refused].join(', ')})`;
    }),
  );
  await insertRows(session, loadLedger, rows, ledgerRowsPerStatement);
}

/** The lines that the warehouse refused before, on their own: their files go on without them. */
export async function writeQuarantine(session: Session, batch: LoadBatch, nowMs: number): Promise<void> {
  const text = (value: string, bytes: number): string => textLiteral(value, bytes, session.dialect);
  const rows = batch.chains.flatMap(({ shardId, files }) =>
    files.flatMap(({ fileId, quarantined = [] }) =>
      quarantined.map(({ line, column, reason, detail, content }) => {
        const ids = [batch.batchId, batch.application, batch.streamId, shardId, fileId].map(literal);
        const columnName = column === undefined ? 'NULL' : text(column, quarantineBytes.columnName);
        const texts = [text(reason, quarantineBytes.reason), text(detail, quarantineBytes.detail), text(content, quarantineBytes.content)];
        return `(${[...ids, integerLiteral(line), columnName, ...texts, literal(timestampText(nowMs))].join(', ')})`;
      }),
    ),
  );
  await insertRows(session, quarantine, rows, quarantineRowsPerStatement);
}

async function insertRows(session: Session, table: Table, rows: readonly string[], perStatement: number): Promise<void> {
  for (let at = 0; at < rows.length; at += perStatement) {
    const values = rows.slice(at, at + perStatement).join(',\n');
    await session.query(`INSERT INTO ${table.name} (${columnNames(table).join(', ')}) VALUES ${values}`);
  }
}
