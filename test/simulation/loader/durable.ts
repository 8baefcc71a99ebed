import { isAfter, type Position, trimHorizon } from '../../../services/lib/kcl/position.ts';
import type { Database } from '../../../services/lib/warehouse/database.ts';
import type { FileRow } from '../../../services/redshift-loader/registry/registry-rows.ts';
import { MemoryRegistry, MemoryStore } from '../../services/redshift-loader/memory.ts';
import type { Violation } from '../simulation.ts';

/** Simulated time runs this much faster than the scheduler's: the loader's intervals are minutes, a run is some thousand calls. */
export const timeScale = 100;

/** What outlives every process, and who watches over it. */
export class Durable {
  readonly registry = new MemoryRegistry();
  readonly store: MemoryStore;
  /** As committed: what a look into an open transaction would show is not. */
  watermarks: ReadonlyMap<string, Position> = new Map();
  /** Objects of each committed batch. */
  batches: ReadonlyMap<string, readonly string[]> = new Map();
  readonly lake = new Set<string>();
  /** Rows of files as they were first registered. */
  rowsStaged = 0;
  /** Vanished or rotten by nature's hand. */
  readonly damaged = new Set<string>();
  readonly violations: Violation[] = [];
  readonly #database: Database;

  constructor(database: Database, now: () => number) {
    this.#database = database;
    this.store = new MemoryStore(now);
  }

  readonly inLake = async (batchId: string): Promise<boolean> => this.lake.has(batchId);

  /** After each COMMIT that was made. */
  async lookAtWarehouse(): Promise<void> {
    const session = await this.#database.connect();
    const { rows } = await session.query('SELECT shard, position FROM load_watermark');
    this.watermarks = new Map(rows.map((row) => [String(row['shard']), String(row['position']) as Position]));
    const ledger = await session.query('SELECT batch_id, object FROM load_ledger');
    const batches = new Map<string, string[]>();
    for (const { batch_id: batchId, object } of ledger.rows) {
      const objects = batches.get(String(batchId)) ?? [];
      batches.set(String(batchId), typeof object === 'string' ? [...objects, object] : objects);
    }
    this.batches = batches;
  }

  isLoaded(file: FileRow): boolean {
    return !isAfter(file.to, this.watermarks.get(file.shardId) ?? trimHorizon);
  }

  async files(): Promise<FileRow[]> {
    const files: FileRow[] = [];
    for (const shardId of (await this.registry.heads()).keys()) files.push(...(await this.registry.files(shardId, trimHorizon, 1_000)));
    return files;
  }

  /** Before an object is deleted. */
  async watchDelete(key: string): Promise<void> {
    for (const file of await this.files()) {
      if (file.object?.key === key && !this.isLoaded(file)) this.violations.push({ rule: 'needed', what: `deleted, not loaded: ${key}` });
    }
    for (const [batchId, objects] of this.batches) {
      if (objects.includes(key) && !this.lake.has(batchId))
        this.violations.push({ rule: 'needed', what: `deleted, not in the lake: ${key}` });
    }
  }

  /** After a file row came to name an object. */
  watchNamed({ object }: FileRow): void {
    if (object === undefined || this.store.objects.has(object.key) || this.damaged.has(object.key)) return;
    this.violations.push({ rule: 'named', what: `registered, not there: ${object.key}` });
  }

  /** Before a file row is deleted. */
  watchRemove(file: FileRow): void {
    if (!this.isLoaded(file))
      this.violations.push({ rule: 'needed', what: `a row removed that is not loaded: ${file.shardId} ${file.from}` });
  }
}
