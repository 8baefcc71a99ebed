import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { BookingEvent } from '../../services/lib/events/booking-event.ts';
import { type Position, position, trimHorizon } from '../../services/lib/kcl/position.ts';
import { postgresCopier } from '../../services/lib/warehouse/copy.ts';
import { eventFields } from '../../services/lib/warehouse/csv.ts';
import type { Database } from '../../services/lib/warehouse/database.ts';
import { type LoadFile, type LoadOutcome, load, type QuarantinedLine } from '../../services/lib/warehouse/load.ts';
import { MemoryStore } from '../services/redshift-loader/memory.ts';

/** What one file brings: its events, and lines that were taken out of it. */
export interface FileContent {
  readonly events: readonly BookingEvent[];
  readonly quarantined?: readonly QuarantinedLine[];
}

/** Loads files into one shard, a batch per call, as a committer would; without registry, heads and races. */
export class ShardLoads {
  readonly #database: Database;
  readonly #shardId: string;
  readonly #store: MemoryStore;
  #at: Position = trimHorizon;
  #files = 0;

  constructor(database: Database, shardId: string, store = new MemoryStore()) {
    this.#database = database;
    this.#shardId = shardId;
    this.#store = store;
  }

  async load(files: readonly FileContent[], nowMs = 0): Promise<LoadOutcome> {
    const [first, ...rest] = files.map((file) => this.#stage(file));
    assert(first);
    const session = await this.#database.connect();
    try {
      const chains = [{ shardId: this.#shardId, files: [first, ...rest] as const }];
      const batch = { batchId: `batch-${this.#shardId}-${this.#files}`, application: 'loader', streamId: 'booking-events@1', chains };
      return await load(session, postgresCopier(this.#store), batch, () => nowMs);
    } finally {
      await session.close();
    }
  }

  #stage({ events, quarantined }: FileContent): LoadFile {
    const fileId = `file-${this.#shardId}-${++this.#files}`;
    const from = this.#at;
    this.#at = position(String(this.#files));
    const lines = events.map((event, index) => {
      const fields = eventFields(event, event.occurredAt + 10);
      assert(fields.kind === 'ok');
      return `${fileId},${index + 1},${fields.value}`;
    });
    const body = gzipSync(lines.join(''));
    const object = { key: `stage/${fileId}`, size: body.length, sha256: createHash('sha256').update(body).digest('hex') };
    this.#store.objects.set(object.key, body);
    const times = events.map((event) => event.occurredAt);
    return {
      fileId,
      from,
      to: this.#at,
      rows: events.length,
      ...(events.length === 0 ? {} : { object, occurred: [Math.min(...times), Math.max(...times)] as const }),
      ...(quarantined === undefined ? {} : { quarantined }),
    };
  }
}
