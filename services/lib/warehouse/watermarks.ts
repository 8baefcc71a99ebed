import { type Position, trimHorizon } from '../kcl/position.ts';
import type { Session } from './database.ts';
import type { LoadBatch } from './load.ts';
import { literal } from './sql.ts';

/** The position up to which each shard is loaded; a shard without a row stands at TRIM_HORIZON. */
export async function readWatermarks(session: Session, application: string, streamId: string): Promise<Map<string, Position>> {
  const { rows } = await session.query(
    `SELECT shard, position FROM load_watermark WHERE application = ${literal(application)} AND stream = ${literal(streamId)}`,
  );
  return new Map(rows.map((row) => [String(row['shard']), String(row['position']) as Position]));
}

/** Returns the first shard whose watermark is not where its chain starts. */
export async function swapWatermarks(session: Session, batch: LoadBatch): Promise<string | undefined> {
  const known = await readWatermarks(session, batch.application, batch.streamId);
  for (const { shardId, files } of batch.chains) {
    const key = [batch.application, batch.streamId, shardId].map(literal);
    if (!known.has(shardId)) {
      await session.query(
        `INSERT INTO load_watermark (application, stream, shard, position) VALUES (${key.join(', ')}, ${literal(trimHorizon)})`,
      );
    }
    const to = files.at(-1)?.to ?? files[0].to;
    const { affected } = await session.query(
      `UPDATE load_watermark SET position = ${literal(to)}
       WHERE application = ${key[0]} AND stream = ${key[1]} AND shard = ${key[2]} AND position = ${literal(files[0].from)}`,
    );
    if (affected !== 1) return shardId;
  }
  return undefined;
}
