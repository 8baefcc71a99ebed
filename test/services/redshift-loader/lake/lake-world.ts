import { gzipSync } from 'node:zlib';
import type { BookingEvent } from '../../../../services/lib/events/booking-event.ts';
import type { ObjectStore } from '../../../../services/lib/objects/object-store.ts';
import { PlatformError } from '../../../../services/lib/process/errors.ts';
import { Metrics } from '../../../../services/lib/process/metrics.ts';
import { eventFields } from '../../../../services/lib/warehouse/csv.ts';
import type { Database, Row, Session } from '../../../../services/lib/warehouse/database.ts';
import { timestampText } from '../../../../services/lib/warehouse/sql.ts';
import { LakeWriter, partBytes } from '../../../../services/redshift-loader/lake/lake-writer.ts';
import { MemoryStore } from '../memory.ts';

export interface LoadedFile {
  readonly fileId: string;
  readonly shard: string;
  readonly from: string;
  readonly object: string | null;
  readonly copied: number;
  /** Lines that were inserted. */
  readonly lines: readonly number[];
}

interface LoadedBatch {
  readonly loadedAt: number;
  readonly files: readonly LoadedFile[];
}

type Fault = 'before' | 'after';

/** A ledger and the stage it tells of, whose every call can fail. */
export class LakeWorld {
  readonly store = new MemoryStore();
  readonly batches = new Map<string, LoadedBatch>();
  readonly metrics = new Metrics();
  /** What each call was, in order. */
  readonly calls: string[] = [];
  /** Of the n-th call, from 1. */
  fault: { readonly at: number; readonly when: Fault } | undefined;
  stopping = new AbortController();
  /** Open sessions. */
  sessions = 0;
  partBytes = partBytes;
  onYield: () => Promise<void> = async () => {};
  now = Date.UTC(2026, 10, 1);
  #files = 0;

  /** A staged file; `lines`: which were inserted, by default all. */
  stage(shard: string, events: readonly BookingEvent[], lines?: readonly number[]): LoadedFile {
    const fileId = `file-${++this.#files}`;
    const csv = events.map((event, i) => {
      const fields = eventFields(event, event.occurredAt + 250);
      if (fields.kind !== 'ok') throw new Error('unloadable');
      return `${fileId},${i + 1},${fields.value}`;
    });
    const object = `stage/${fileId}.csv.gz`;
    this.store.objects.set(object, gzipSync(csv.join('')));
    const from = String(this.#files).padStart(9, '0');
    return { fileId, shard, from, object, copied: events.length, lines: lines ?? events.map((_, i) => i + 1) };
  }

  /** A file of a flush without valid rows. */
  stageNothing(shard: string): LoadedFile {
    return { fileId: `file-${++this.#files}`, shard, from: String(this.#files).padStart(9, '0'), object: null, copied: 0, lines: [] };
  }

  commit(batchId: string, files: readonly LoadedFile[]): void {
    this.batches.set(batchId, { loadedAt: this.now, files });
  }

  writer(signal = this.stopping.signal): LakeWriter {
    const { database, objects, metrics, partBytes } = this;
    return new LakeWriter({ database, objects, metrics, signal, yield: () => this.onYield(), partBytes });
  }

  /** Keys below `lake/`, in the order in which they were written. */
  get lake(): string[] {
    return [...this.store.objects.keys()].filter((key) => key.startsWith('lake/'));
  }

  get objects(): Pick<ObjectStore, 'create' | 'read' | 'head'> {
    const { store } = this;
    return {
      create: (key, body) => this.#call(`create ${key}`, () => store.create(key, body)),
      read: (key) => this.#call(`read ${key}`, () => store.read(key)),
      head: (key) => this.#call(`head ${key}`, () => store.head(key)),
    };
  }

  get database(): Database {
    return {
      dialect: 'postgres',
      connect: () =>
        this.#call('connect', async (): Promise<Session> => {
          this.sessions += 1;
          return {
            dialect: 'postgres',
            query: (sql) => this.#call('query', async () => ({ rows: this.#answer(sql), affected: 0, command: 'SELECT' })),
            copyIn: () => Promise.reject(new Error('nothing is loaded here')),
            close: async () => {
              this.sessions -= 1;
            },
          };
        }),
    };
  }

  async #call<T>(what: string, action: () => Promise<T>): Promise<T> {
    this.calls.push(what);
    const fault = this.fault?.at === this.calls.length ? this.fault.when : undefined;
    const away = new PlatformError('OBJECT_UNAVAILABLE', `no answer: ${what}`, { retriable: true });
    if (fault === 'before') throw away;
    const result = await action();
    if (fault === 'after') throw away;
    return result;
  }

  #answer(sql: string): Row[] {
    const [, batchId] = /WHERE batch_id = '([^']*)'/.exec(sql) ?? [];
    const [, fileId] = /WHERE file_id = '([^']*)'/.exec(sql) ?? [];
    const [, since] = /loaded_at >= '([^']*)'/.exec(sql) ?? [];
    if (batchId !== undefined) return (this.batches.get(batchId)?.files ?? []).map(ledgerRow);
    if (fileId !== undefined) {
      const file = [...this.batches.values()].flatMap(({ files }) => files).find((one) => one.fileId === fileId);
      return (file?.lines ?? []).map((line) => ({ line }));
    }
    if (since === undefined) throw new Error(`unexpected: ${sql}`);
    return [...this.batches]
      .map(([id, { loadedAt }]) => ({ batch_id: id, loaded: timestampText(loadedAt) }))
      .filter(({ loaded }) => loaded >= since);
  }
}

const ledgerRow = ({ fileId, shard, from, object, copied, lines }: LoadedFile): Row => ({
  file_id: fileId,
  shard,
  from_position: from,
  object,
  rows_copied: String(copied),
  rows_inserted: String(lines.length),
});
