import { type Position, trimHorizon } from '../kcl/position.ts';
import { PlatformError } from '../process/errors.ts';
import { type StageCopier, type StagedObject, StagedObjectError } from './copy.ts';
import type { Session } from './database.ts';
import { createTempTable } from './ddl.ts';
import { takeGate } from './gate.ts';
import { booking, bookingEvent, columnNames, loadLedger } from './model.ts';
import { integerLiteral, literal, timestampText } from './sql.ts';

/** A line of a staged file that the warehouse refused, and that the file's object therefore no longer holds. */
export interface QuarantinedLine {
  /** From 1; the field `line` of the row. */
  readonly line: number;
  /** Where it failed, when the warehouse says so. */
  readonly column?: string;
  /** Short, of a closed set; `detail` is the warehouse's own message. Any text; what is too long is cut off on loading. */
  readonly reason: string;
  readonly detail: string;
  readonly content: string;
}

/** A registered file: the events of (from, to] of one shard. A flush without valid rows has no object. */
export interface LoadFile {
  readonly fileId: string;
  readonly from: Position;
  readonly to: Position;
  /** Lines of the object. */
  readonly rows: number;
  readonly object?: StagedObject;
  readonly quarantined?: readonly QuarantinedLine[];
  /** Earliest and latest occurredAt in the file, epoch ms; present when rows > 0. */
  readonly occurred?: readonly [number, number];
}

/** Consecutive files of one shard; `from` of the first is the shard's watermark. */
export interface LoadChain {
  readonly shardId: string;
  readonly files: readonly [LoadFile, ...LoadFile[]];
}

export interface LoadBatch {
  readonly batchId: string;
  readonly application: string;
  readonly streamId: string;
  readonly chains: readonly LoadChain[];
}

export type LoadOutcome =
  | { readonly kind: 'committed'; readonly copied: number; readonly inserted: number }
  /** The watermark of a shard was not where the batch starts: another committer was first. Nothing was changed. */
  | { readonly kind: 'lost'; readonly shardId: string }
  /** COMMIT was sent and not answered: the watermarks, read anew, decide. */
  | { readonly kind: 'unknown'; readonly error: Error };

/** Copies of one event (retries, replays) lie at most this far apart in event time; only there the anti-join looks. */
export const duplicateReachMs = 8 * 24 * 3_600_000;

const eventColumns = columnNames(bookingEvent).join(', ');
const bookingColumns = columnNames(booking).join(', ');
const scratch = ['load_stage', 'load_fresh', 'load_latest'] as const;
const ledgerRowsPerStatement = 200;

/**
 * The load transaction (docs/promises.md, loader). Every statement is in the grammar that Redshift and Postgres share.
 * The gate comes first: without it two committers on different shards would each insert a copy of one event.
 * Rejects when anything fails before COMMIT; the caller then closes the session, which rolls back.
 */
export async function load(session: Session, copier: StageCopier, batch: LoadBatch, now: () => number): Promise<LoadOutcome> {
  await session.query('BEGIN');
  await takeGate(session);
  const loser = await swapWatermarks(session, batch);
  if (loser !== undefined) {
    await session.query('ROLLBACK');
    return { kind: 'lost', shardId: loser };
  }
  const files = batch.chains.flatMap((chain) => chain.files);
  const staged = files.filter((file) => file.rows > 0);
  const inserted = staged.length === 0 ? new Map<string, number>() : await loadEvents(session, copier, staged);
  await writeLedger(session, batch, inserted, now());
  try {
    const { command } = await session.query('COMMIT');
    if (command !== 'COMMIT') return { kind: 'unknown', error: new PlatformError('PROTOCOL', `COMMIT was answered by ${command}`) };
  } catch (error) {
    return { kind: 'unknown', error: error as Error };
  }
  const sum = (numbers: Iterable<number>): number => [...numbers].reduce((a, b) => a + b, 0);
  return { kind: 'committed', copied: sum(staged.map((f) => f.rows)), inserted: sum(inserted.values()) };
}

/** The position up to which each shard is loaded; a shard without a row stands at TRIM_HORIZON. */
export async function readWatermarks(session: Session, application: string, streamId: string): Promise<Map<string, Position>> {
  const { rows } = await session.query(
    `SELECT shard, position FROM load_watermark WHERE application = ${literal(application)} AND stream = ${literal(streamId)}`,
  );
  return new Map(rows.map((row) => [String(row['shard']), String(row['position']) as Position]));
}

/** Returns the first shard whose watermark is not where its chain starts. */
async function swapWatermarks(session: Session, batch: LoadBatch): Promise<string | undefined> {
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

/** Rows inserted per file. */
async function loadEvents(session: Session, copier: StageCopier, files: readonly LoadFile[]): Promise<Map<string, number>> {
  for (const table of scratch) await session.query(`DROP TABLE IF EXISTS ${table}`);
  await session.query(createTempTable('load_stage', bookingEvent, session.dialect));
  await copier.copy(
    session,
    'load_stage',
    columnNames(bookingEvent),
    files.flatMap((file) => file.object ?? []),
  );
  await checkCounts(session, files);
  await refreshStatistics(session, ['load_stage (event_id, occurred_at)', 'booking_event (event_id, occurred_at)']);

  await session.query(createTempTable('load_fresh', bookingEvent, session.dialect));
  await session.query(insertFresh(files));
  const inserted = await countPerFile(session, 'load_fresh');
  await session.query(`INSERT INTO booking_event (${eventColumns}) SELECT ${eventColumns} FROM load_fresh`);

  await session.query(createTempTable('load_latest', booking, session.dialect));
  await refreshStatistics(session, ['load_fresh (booking_id)', 'booking (booking_id)']);
  for (const statement of currentRowStatements) await session.query(statement);
  for (const table of scratch) await session.query(`DROP TABLE ${table}`);
  return inserted;
}

/**
 * Redshift analyzes by itself; Postgres leaves it to a daemon that PGlite lacks and that never sees temporary tables. Without statistics a
 * join of two times 10,000 rows was planned as nested scans: 14 s in place of 0.1 s.
 */
async function refreshStatistics(session: Session, tables: readonly string[]): Promise<void> {
  if (session.dialect === 'postgres') for (const table of tables) await session.query(`ANALYZE ${table}`);
}

async function countPerFile(session: Session, table: string): Promise<Map<string, number>> {
  const { rows } = await session.query(`SELECT file_id, COUNT(*) AS n FROM ${table} GROUP BY file_id`);
  return new Map(rows.map((row) => [String(row['file_id']), Number(row['n'])]));
}

async function checkCounts(session: Session, files: readonly LoadFile[]): Promise<void> {
  const counts = await countPerFile(session, 'load_stage');
  for (const { fileId, rows, object } of files) {
    const copied = counts.get(fileId) ?? 0;
    if (copied !== rows) throw new StagedObjectError(object?.key ?? fileId, `${copied} rows copied, ${rows} registered`);
    counts.delete(fileId);
  }
  for (const [fileId, copied] of counts) throw new StagedObjectError(fileId, `${copied} rows of a file that is not in the batch`);
}

/** Each event once: inside the batch by ROW_NUMBER, against the warehouse by an anti-join over the batch's time range. */
export function insertFresh(files: readonly LoadFile[]): string {
  const times = files.flatMap((file) => file.occurred ?? []);
  // Year 9999 is the last that fits; the reach must not lead beyond it.
  const reach = (ms: number): string => literal(timestampText(Math.min(Math.max(ms, 0), 253_402_300_799_999)));
  return `INSERT INTO load_fresh (${eventColumns})
    SELECT ${columnNames(bookingEvent)
      .map((c) => `s.${c}`)
      .join(', ')}
    FROM (SELECT ${eventColumns}, ROW_NUMBER() OVER (PARTITION BY event_id ORDER BY file_id, line) AS nth FROM load_stage) s
    LEFT JOIN booking_event e ON e.event_id = s.event_id
      AND e.occurred_at >= ${reach(Math.min(...times) - duplicateReachMs)} AND e.occurred_at <= ${reach(Math.max(...times) + duplicateReachMs)}
    WHERE s.nth = 1 AND e.event_id IS NULL`;
}

/**
 * The booking's row is its event with the highest (version, event_id), whatever the order of arrival: the same order ranks the batch's
 * events and decides whether the row that stands is newer.
 */
export const currentRowStatements: readonly string[] = [
  `INSERT INTO load_latest (${bookingColumns})
   SELECT ${bookingColumns}
   FROM (SELECT ${bookingColumns}, ROW_NUMBER() OVER (PARTITION BY booking_id ORDER BY version DESC, event_id DESC) AS nth FROM load_fresh) f
   WHERE nth = 1`,
  `DELETE FROM load_latest USING booking
   WHERE booking.booking_id = load_latest.booking_id
     AND (booking.version > load_latest.version OR (booking.version = load_latest.version AND booking.event_id >= load_latest.event_id))`,
  'DELETE FROM booking USING load_latest WHERE booking.booking_id = load_latest.booking_id',
  `INSERT INTO booking (${bookingColumns}) SELECT ${bookingColumns} FROM load_latest`,
];

async function writeLedger(session: Session, batch: LoadBatch, inserted: ReadonlyMap<string, number>, nowMs: number): Promise<void> {
  const rows = batch.chains.flatMap(({ shardId, files }) =>
    files.map((file) => {
      const texts = [batch.batchId, file.fileId, batch.application, batch.streamId, shardId, file.from, file.to].map(literal);
      const object = file.object === undefined ? 'NULL' : literal(file.object.key);
      const counts = [file.rows, inserted.get(file.fileId) ?? 0].map(integerLiteral);
      const refused = integerLiteral(file.quarantined?.length ?? 0);
      return `(${[...texts, object, ...counts, literal(timestampText(nowMs)), refused].join(', ')})`;
    }),
  );
  for (let at = 0; at < rows.length; at += ledgerRowsPerStatement) {
    const values = rows.slice(at, at + ledgerRowsPerStatement).join(',\n');
    await session.query(`INSERT INTO load_ledger (${columnNames(loadLedger).join(', ')}) VALUES ${values}`);
  }
}
