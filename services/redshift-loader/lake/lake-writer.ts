import { HourlyFiles } from '../../lib/lake/hourly-files.ts';
import { eventsKey, type Marker, markerKey } from '../../lib/lake/layout.ts';
import { stagedRows } from '../../lib/lake/staged-rows.ts';
import type { ObjectStore } from '../../lib/objects/object-store.ts';
import { isPlatformError, PlatformError } from '../../lib/process/errors.ts';
import type { Metrics } from '../../lib/process/metrics.ts';
import { StagedObjectError } from '../../lib/warehouse/copy.ts';
import type { Database, Session } from '../../lib/warehouse/database.ts';
import { bookingEvent, columnNames } from '../../lib/warehouse/model.ts';
import { type CommittedFile, committedFiles, insertedLines } from './lake-ledger.ts';

/**
 * A part of a batch is written at one go: its files in their order while their staged objects hold this many bytes together, at least
 * one file. It bounds what is held (staged bytes and Parquet bytes of a part), and it decides which rows an object holds: NEVER change
 * it, or a batch that is written again after a crash gets other parts beside those that stand.
 */
export const partBytes = 16 * 1_024 * 1_024;

export interface LakeParts {
  readonly database: Database;
  readonly objects: Pick<ObjectStore, 'create' | 'read'>;
  readonly metrics: Metrics;
  /** Lets others run. */
  readonly yield: () => Promise<unknown>;
  /** Aborts what is under way, as a crash would. */
  readonly signal: AbortSignal;
  /** Of tests alone. */
  readonly partBytes?: number;
}

const columns = columnNames(bookingEvent);
const at = { fileId: columns.indexOf('file_id'), line: columns.indexOf('line'), occurredAt: columns.indexOf('occurred_at') };

/**
 * Copies the events that a committed batch inserted from its staged files into the lake.
 *
 * Which rows an object holds follows from the ledger, booking_event and the staged objects, none of which changes any more, so whoever
 * writes a batch again, after a crash or at the same time, gets the same keys with the same rows: a key that is taken is as good as
 * written. (The same bytes too, unless another zlib or hyparquet-writer compressed them; nobody compares bytes.)
 */
export class LakeWriter {
  readonly #parts: LakeParts;

  constructor(parts: LakeParts) {
    this.#parts = parts;
  }

  /** Rejects with StagedObjectError or OBJECT_MISSING when a staged file is not what was loaded; nothing but whole objects is left then. */
  async write(batchId: string): Promise<Marker> {
    const { database, objects, metrics } = this.#parts;
    const session = await database.connect();
    try {
      const files = await committedFiles(session, batchId);
      if (files.length === 0) throw new PlatformError('INTERNAL', `no batch ${batchId} in the ledger`);
      const written: Marker['objects'][number][] = [];
      for await (const [part, hours] of this.#hourlyFilesOf(session, files)) {
        for (const { rows, body, ...hour } of hours.take()) {
          const key = eventsKey(batchId, part, hour);
          await this.#pause();
          await objects.create(key, body, 'application/vnd.apache.parquet');
          metrics.count('lake_objects');
          metrics.count('lake_bytes', body.length);
          written.push({ key, rows });
        }
      }
      const rows = files.reduce((sum, file) => sum + file.inserted, 0);
      const marker: Marker = { batchId, files: files.length, rows, objects: written };
      await objects.create(markerKey(batchId), Buffer.from(`${JSON.stringify(marker, null, 2)}\n`), 'application/json');
      metrics.count('lake_batches');
      metrics.count('lake_rows', rows);
      return marker;
    } finally {
      await session.close();
    }
  }

  async *#hourlyFilesOf(session: Session, files: readonly CommittedFile[]): AsyncIterable<readonly [number, HourlyFiles]> {
    const limit = this.#parts.partBytes ?? partBytes;
    let part = 0;
    let held = 0;
    let hours = new HourlyFiles(bookingEvent);
    for (const file of files) {
      if (file.inserted === 0) continue;
      const { key, body } = await this.#read(file);
      if (held > 0 && held + body.length > limit) {
        yield [part++, hours];
        hours = new HourlyFiles(bookingEvent);
        held = 0;
      }
      held += body.length;
      await this.#addRows(session, file, key, body, hours);
    }
    yield [part, hours];
  }

  async #read({ fileId, object: key }: CommittedFile): Promise<{ readonly key: string; readonly body: Buffer }> {
    if (key === undefined) throw new PlatformError('INTERNAL', `the ledger has rows of ${fileId} but no object`);
    return { key, body: await this.#parts.objects.read(key) };
  }

  async #addRows(session: Session, file: CommittedFile, key: string, body: Buffer, hours: HourlyFiles): Promise<void> {
    const { fileId, copied, inserted } = file;
    let added = 0;
    try {
      // Most files were inserted whole; only of the others the warehouse says which lines.
      const lines = inserted === copied ? undefined : await insertedLines(session, fileId, await occurredIn(body));
      for await (const rows of stagedRows(body)) {
        for (const row of rows) {
          if (row[at.fileId] !== fileId) throw new StagedObjectError(key, `it holds a row of the file ${JSON.stringify(row[at.fileId])}`);
          if (lines?.has(row[at.line] ?? '') === false) continue;
          added += 1;
          if (hours.add(row)) await this.#pause();
        }
      }
    } catch (error) {
      if (!isPlatformError(error, 'WAREHOUSE_MISMATCH') || error instanceof StagedObjectError) throw error;
      throw new StagedObjectError(key, error.message, error);
    }
    if (added !== inserted) throw new StagedObjectError(key, `${added} rows of it are to be copied, ${inserted} were inserted`);
  }

  async #pause(): Promise<void> {
    await this.#parts.yield();
    this.#parts.signal.throwIfAborted();
  }
}

/** First and last occurred_at; the texts sort as the times do. */
async function occurredIn(body: Buffer): Promise<readonly [string, string]> {
  let first = '';
  let last = '';
  for await (const rows of stagedRows(body)) {
    for (const row of rows) {
      const time = row[at.occurredAt] ?? '';
      if (first === '' || time < first) first = time;
      if (time > last) last = time;
    }
  }
  return [first, last];
}
