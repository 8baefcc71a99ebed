import { isAfter, type Position, position } from '../../lib/kcl/position.ts';
import type { ObjectInfo, ObjectStore } from '../../lib/objects/object-store.ts';
import type { Metrics } from '../../lib/process/metrics.ts';
import { manifestPrefix } from '../../lib/warehouse/copy.ts';
import type { Session } from '../../lib/warehouse/database.ts';
import type { LoadRegistry } from '../registry/registry.ts';
import type { FileRow } from '../registry/registry-rows.ts';
import { batchesOfFiles, batchesOfObjects } from './loaded-files.ts';
import { alertsPrefix, stagePrefix } from './stage-file.ts';

export interface HousekeepingParts {
  readonly application: string;
  readonly streamId: string;
  readonly registry: Pick<LoadRegistry, 'head' | 'heads' | 'files' | 'filesBefore' | 'remove'>;
  readonly objects: Pick<ObjectStore, 'list' | 'delete'>;
  /** Whether the events of a committed batch are in the lake: until then its staged files stay. */
  readonly inLake: (batchId: string) => Promise<boolean>;
  /** Loaded files stay for this long after they were registered, for inspection (ms). */
  readonly retentionMs: number;
  /**
   * An object that no file names is swept at this age (ms): longer than whoever put it takes to name it, and than the retention, so
   * that it meets few objects of files.
   */
  readonly orphanAgeMs: number;
  readonly metrics: Metrics;
  readonly now: () => number;
}

const intervalMs = 60_000;
/** Per interval: far above what a shard registers in that time. */
const removalsPerShard = 100;
/** One shard per interval; rows that are read for it, and keys listed. */
const looksPerSweep = 100;
const listedPerSweep = 20_000;

/** What leaves the stage: loaded files, and objects that no file names. */
export class StageHousekeeping {
  readonly #parts: HousekeepingParts;
  #at: number;
  #swept = '';
  /** Where the sweep of a shard goes on. */
  readonly #cursors = new Map<string, string>();

  constructor(parts: HousekeepingParts) {
    this.#parts = parts;
    this.#at = parts.now();
  }

  get due(): boolean {
    return this.#parts.now() >= this.#at;
  }

  /** `watermarks` as read from the warehouse, or older. Rejects when something does not answer: the rest waits for the next time. */
  async run(session: Session, watermarks: ReadonlyMap<string, Position>): Promise<void> {
    this.#at = this.#parts.now() + intervalMs;
    for (const [shardId, watermark] of watermarks) await this.#removeLoaded(session, shardId, watermark);
    const shardId = await this.#nextShard();
    if (shardId === undefined) return;
    await this.#sweep(session, shardId);
    for (const prefix of [manifestPrefix, alertsPrefix]) await this.#sweepPassing(prefix);
  }

  /** The object first, so that a crash leaves the row that leads to it. */
  async #removeLoaded(session: Session, shardId: string, watermark: Position): Promise<void> {
    const { registry, objects, retentionMs, now, metrics, inLake } = this.#parts;
    const files: FileRow[] = [];
    for (const file of await registry.filesBefore(shardId, watermark, removalsPerShard)) {
      if (isAfter(file.to, watermark) || file.registeredAt + retentionMs > now()) break;
      files.push(file);
    }
    const batches = await batchesOfFiles(
      session,
      files.map(({ fileId }) => fileId),
    );
    const known = new Map<string, boolean>();
    for (const file of files) {
      const batchId = batches.get(file.fileId);
      if (batchId === undefined) return;
      if (!known.has(batchId)) known.set(batchId, await inLake(batchId));
      if (known.get(batchId) !== true) return;
      if (file.object !== undefined) await objects.delete(file.object.key);
      await registry.remove(file);
      metrics.count('files_removed');
    }
  }

  async #nextShard(): Promise<string | undefined> {
    const shardIds = [...(await this.#parts.registry.heads()).keys()].sort();
    const next = shardIds.find((shardId) => shardId > this.#swept) ?? shardIds[0];
    this.#swept = next ?? '';
    return next;
  }

  /**
   * An orphan is an object that no file will ever name. The head comes first: once it is beyond an object's `from`, no append can name the
   * object any more, so that the row, read after, has the last word. A loaded object is kept for the lake even if its row names another.
   */
  async #sweep(session: Session, shardId: string): Promise<void> {
    const { application, streamId, registry, objects, metrics, inLake } = this.#parts;
    const shard = { application, streamId, shardId };
    const head = await registry.head(shardId);
    const orphans: string[] = [];
    for await (const key of this.#oldObjects(shardId, stagePrefix(shard))) {
      const from = fromOf(key);
      if (from === undefined || !isAfter(head, from)) continue;
      const [row] = await registry.files(shardId, from, 1);
      if (row?.from !== from || row.object?.key !== key) orphans.push(key);
    }
    const loaded = await batchesOfObjects(session, shard, orphans);
    for (const key of orphans) {
      const batchId = loaded.get(key);
      if (batchId !== undefined && !(await inLake(batchId))) continue;
      await objects.delete(key);
      metrics.count('orphans_removed');
    }
  }

  /** Some of the shard's old objects, from where the last sweep ended. */
  async *#oldObjects(shardId: string, prefix: string): AsyncIterable<string> {
    const cursor = this.#cursors.get(shardId) ?? '';
    let looks = 0;
    let listed = 0;
    for await (const object of this.#parts.objects.list(prefix)) {
      if (object.key <= cursor) continue;
      if (this.#isOld(object)) {
        yield object.key;
        looks += 1;
      }
      listed += 1;
      this.#cursors.set(shardId, object.key);
      if (looks >= looksPerSweep || listed >= listedPerSweep) return;
    }
    this.#cursors.delete(shardId);
  }

  /** What one transaction needs, and what a crash left of it. */
  async #sweepPassing(prefix: string): Promise<void> {
    for await (const object of this.#parts.objects.list(prefix)) {
      if (this.#isOld(object)) await this.#parts.objects.delete(object.key);
    }
  }

  #isOld({ modifiedAtMs }: ObjectInfo): boolean {
    return modifiedAtMs + this.#parts.orphanAgeMs <= this.#parts.now();
  }
}

/** Where the range of a staged object begins; undefined for a key that is none (stageKey). */
function fromOf(key: string): Position | undefined {
  const [, sequence, sub] = /\/(\d{1,129})\.(\d{1,10})-\d{1,129}\.\d{1,10}\.csv\.gz$/.exec(key) ?? [];
  return sequence === undefined || sub === undefined ? undefined : position(sequence, Number(sub));
}
