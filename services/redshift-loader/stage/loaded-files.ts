import type { Session } from '../../lib/warehouse/database.ts';
import { literal } from '../../lib/warehouse/sql.ts';

/** Ids of files that are in the ledger → the batch that loaded each. */
export async function batchesOfFiles(session: Session, fileIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (fileIds.length === 0) return new Map();
  const { rows } = await session.query(`SELECT file_id, batch_id FROM load_ledger WHERE file_id IN (${fileIds.map(literal).join(', ')})`);
  return new Map(rows.map((row) => [String(row['file_id']), String(row['batch_id'])]));
}

/** Of these objects, all of one shard, those that were loaded → the batch that loaded each. */
export async function batchesOfObjects(
  session: Session,
  shard: { readonly application: string; readonly streamId: string; readonly shardId: string },
  keys: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (keys.length === 0) return new Map();
  const { rows } = await session.query(
    `SELECT object, batch_id FROM load_ledger WHERE application = ${literal(shard.application)} AND stream = ${literal(shard.streamId)}
     AND shard = ${literal(shard.shardId)} AND object IN (${keys.map(literal).join(', ')})`,
  );
  return new Map(rows.map((row) => [String(row['object']), String(row['batch_id'])]));
}
