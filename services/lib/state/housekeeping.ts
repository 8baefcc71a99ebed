import type { Shard } from '../kcl/shards.ts';
import { ensureError } from '../process/errors.ts';
import type { Logger } from '../process/log.ts';
import type { Metrics } from '../process/metrics.ts';
import type { Fence } from './fence.ts';
import type { SnapshotObjects } from './snapshot-objects.ts';
import { isSameSnapshot, type StateRow } from './state-row.ts';
import type { StateTable } from './state-table.ts';
import type { StreamReading } from './stream-reading.ts';

const sweepIntervalMs = 600_000;

export interface HousekeepingOptions {
  readonly fence: Fence;
  readonly table: StateTable;
  readonly objects: SnapshotObjects;
  readonly stream: Pick<StreamReading, 'listShards'>;
  /** Epoch ms. */
  readonly now: () => number;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/**
 * Removes what nobody will ask for again: objects of earlier owners that no row points at, and the last states of ancestors once every
 * child stands on two snapshots of its own. Nothing waits for it; what fails is tried again later.
 */
export class Housekeeping {
  readonly #options: HousekeepingOptions;
  #running: Promise<void> | undefined;
  #sweepAt = Number.NEGATIVE_INFINITY;
  #ancestorsDone = false;

  constructor(options: HousekeepingOptions) {
    this.#options = options;
  }

  /** After a snapshot was pointed at. */
  begin(): void {
    if (this.#running !== undefined) return;
    this.#running = this.#run()
      .catch((error: unknown) => {
        this.#options.log.warn({ event: 'state.housekeeping', err: ensureError(error) }, 'old state was not removed, it is tried again');
      })
      .finally(() => {
        this.#running = undefined;
      });
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    const now = this.#options.now();
    if (now >= this.#sweepAt) {
      this.#sweepAt = now + sweepIntervalMs;
      await this.#sweep();
    }
    if (!this.#ancestorsDone) await this.#retireAncestors();
  }

  /** The row is read after the objects were listed: what it does not point at then, nobody can ever point at. */
  async #sweep(): Promise<void> {
    const { fence, table, objects, metrics, log } = this.#options;
    const old = await objects.writtenBefore(fence.shardId, fence.epoch);
    if (old.length === 0) return;
    const row = await table.read(fence.shardId);
    if (row?.epoch !== fence.epoch) return;
    const orphans = old.filter(({ name }) => ![row.current, row.previous].some((ref) => ref !== undefined && sameName(ref, name)));
    for (const orphan of orphans) await objects.deletePart(orphan);
    if (orphans.length === 0) return;
    metrics.count('snapshot_orphans_swept', orphans.length);
    log.info({ event: 'state.swept', shardId: fence.shardId, objects: orphans.length }, 'removed objects of earlier owners');
  }

  async #retireAncestors(): Promise<void> {
    const { stream, fence } = this.#options;
    const shards = new Map((await stream.listShards()).map((shard) => [shard.shardId, shard]));
    const own = shards.get(fence.shardId);
    this.#ancestorsDone = own === undefined || (await this.#retireParents(own, shards, new Map()));
  }

  /** True when no ancestor of `child` has anything left, but for those that were walked through before. */
  async #retireParents(
    child: Pick<Shard, 'shardId' | 'parents'>,
    shards: ReadonlyMap<string, Shard>,
    walked: Map<string, 'begun' | 'done'>,
  ): Promise<boolean> {
    const { table } = this.#options;
    let all = true;
    walked.set(child.shardId, 'begun');
    for (const parentId of child.parents) {
      if (walked.get(parentId) === 'begun') this.#unsound(child.shardId, parentId);
      if (walked.has(parentId)) continue;
      walked.set(parentId, 'done');
      const row = await table.read(parentId);
      if (row === undefined || (row.current === undefined && !row.final)) continue; // nothing of it was ever stored
      if (!row.retired) {
        const children = [...shards.values()].filter(({ parents }) => parents.includes(parentId));
        const rows = await Promise.all(children.map(({ shardId }) => table.read(shardId)));
        if (!row.final || !rows.every(standsAlone)) {
          all = false;
          continue;
        }
        await table.retire(parentId); // first: who reads the row must not look for what is being deleted
      }
      await this.#clear(parentId);
      // A shard that is not listed has no history but in its row. Nobody can ask for what its own parents left.
      const { parents } = shards.get(parentId) ?? row;
      if (!(await this.#retireParents({ shardId: parentId, parents: parents ?? [] }, shards, walked))) all = false;
    }
    walked.set(child.shardId, 'done');
    return all;
  }

  #unsound(shardId: string, parentId: string): void {
    const { metrics, log } = this.#options;
    metrics.count('lineage_unsound');
    log.error({ event: 'lineage.unsound', shardId, parent: parentId }, `${parentId} is an ancestor and a descendant of ${shardId}`);
  }

  /**
   * Of a retired shard nothing is left: neither what its row points at, nor what dead and passed owners wrote, which nobody else would
   * sweep. Tried again by every later owner of a child: whoever retired the shard may have ended before all was deleted.
   */
  async #clear(shardId: string): Promise<void> {
    const { objects, log } = this.#options;
    const left = await objects.writtenBefore(shardId, Number.POSITIVE_INFINITY);
    for (const part of left) await objects.deletePart(part);
    if (left.length > 0)
      log.info({ event: 'state.retired', shardId }, "removed an ended shard's last state: its children stand on their own");
  }
}

const standsAlone = (row: StateRow | undefined): boolean =>
  row !== undefined &&
  (row.retired || (row.current !== undefined && row.previous !== undefined && !isSameSnapshot(row.current, row.previous)));

const sameName = (a: { epoch: number; position: string; generation: number }, b: typeof a): boolean =>
  a.epoch === b.epoch && a.position === b.position && a.generation === b.generation;
