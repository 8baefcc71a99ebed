import { type Position, shardEnd } from '../kcl/position.ts';
import { ensureError } from '../process/errors.ts';
import type { Logger } from '../process/log.ts';
import type { Metrics } from '../process/metrics.ts';
import { WindowError } from '../windows/window-error.ts';
import type { Fence } from './fence.ts';
import { isLeaseLost, leaseLost } from './lease-lost.ts';
import { assertNewest } from './ownership.ts';
import { type SnapshotObjects, UnusableSnapshot } from './snapshot-objects.ts';
import type { StateModel, StateToSave } from './state-model.ts';
import { isSameSnapshot, type SnapshotRef, type StateRow } from './state-row.ts';
import type { StateTable } from './state-table.ts';
import { type Patience, untilAnswered } from './until-answered.ts';

export interface SnapshotsOptions<State, Effect> {
  readonly fence: Fence;
  readonly row: StateRow;
  /** What the state was loaded from. */
  readonly base: SnapshotRef | undefined;
  readonly model: StateModel<State, Effect>;
  readonly table: StateTable;
  readonly objects: SnapshotObjects;
  readonly intervalMs: number;
  /** Epoch ms. */
  readonly now: () => number;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly patience: Patience;
}

/**
 * The snapshots that one owner of a shard writes, one at a time: objects first, then the row points at them, then those go that the row
 * has let go of.
 */
export class Snapshots<State, Effect> {
  readonly #options: SnapshotsOptions<State, Effect>;
  readonly #abandoned = new AbortController();
  /** Loaded or written under this epoch: the one that may follow as `previous`. */
  #base: SnapshotRef | undefined;
  #current: SnapshotRef | undefined;
  #previous: SnapshotRef | undefined;
  #writing: Promise<void> | undefined;
  #failure: unknown;
  #dueAt: number;
  /** When the state last was as its newest snapshot. */
  #freshAt: number;

  constructor(options: SnapshotsOptions<State, Effect>) {
    this.#options = options;
    this.#base = options.base;
    this.#current = options.row.current;
    this.#previous = options.row.previous;
    this.#freshAt = options.now();
    this.#dueAt = this.#freshAt + options.intervalMs;
  }

  get current(): SnapshotRef | undefined {
    return this.#current;
  }

  /** KCL may be checkpointed there: the snapshot before the newest covers it. */
  get checkpointable(): Position | undefined {
    return this.#base !== undefined && isSameSnapshot(this.#base, this.#current) ? this.#previous?.position : undefined;
  }

  get idle(): boolean {
    return this.#writing === undefined;
  }

  /** Begins one if it is due and the state has moved on; rejects with what stopped the last one. */
  begin(state: State, position: Position, atOnce = false): void {
    this.#rethrow();
    const now = this.#options.now();
    if (this.#covers(position)) this.#freshAt = now;
    else if (this.idle && (atOnce || now >= this.#dueAt)) this.#start(state, position, false);
    this.#options.metrics.gauge('snapshot_age_ms', now - this.#freshAt, { shard: this.#options.fence.shardId });
  }

  /** Resolves to whether the row points at a snapshot of this state at this position; false: it was written and could not be read. */
  async save(state: State, position: Position): Promise<boolean> {
    await this.settled();
    if (!this.#covers(position)) this.#start(state, position, false);
    await this.settled();
    return this.#covers(position);
  }

  /** The shard's last snapshot. */
  async saveFinal(state: State): Promise<void> {
    await this.settled();
    this.#start(state, shardEnd, true);
    await this.settled();
  }

  /** Resolves when none is being written; rejects with what stopped the last one. */
  async settled(): Promise<void> {
    await this.#writing;
    this.#rethrow();
  }

  /** Gives up the one being written, whether or not the stores answer. */
  async abandon(): Promise<void> {
    this.#abandoned.abort();
    await this.#writing;
  }

  #covers(position: Position): boolean {
    return this.#base?.position === position && isSameSnapshot(this.#base, this.#current);
  }

  #start(state: State, position: Position, final: boolean): void {
    const startedAt = this.#options.now();
    this.#dueAt = startedAt + this.#options.intervalMs;
    const toSave = this.#options.model.save(state); // as it is now, whatever is applied while it is written
    this.#writing = this.#write(toSave, position, final, startedAt)
      .catch((error: unknown) => {
        // The model has ended its own snapshot, as it may when its state changes as a whole: the next one is due anyway.
        if (error instanceof WindowError && error.code === 'STATE_INVALID' && !final) return;
        if (!this.#abandoned.signal.aborted) this.#failure = error;
      })
      .finally(() => {
        this.#writing = undefined;
      });
  }

  async #write(toSave: StateToSave, position: Position, final: boolean, startedAt: number): Promise<void> {
    const { fence, objects, table, model, now, log, metrics, patience } = this.#options;
    const { shardId, epoch } = fence;
    const { signal } = this.#abandoned;
    const name = { epoch, position, generation: toSave.generation };
    const written = await objects.write(shardId, name, toSave, signal);
    const ref: SnapshotRef = { ...name, ...written, writtenAt: startedAt };
    try {
      await objects.use(shardId, ref, (saved) => model.check(saved), signal);
    } catch (error) {
      if (!(error instanceof UnusableSnapshot)) throw error;
      await assertNewest(table, fence, { ...patience, signal });
      metrics.count('snapshots_unusable');
      log.error(
        { event: 'snapshot.unreadable', shardId, ...name, err: error },
        'a snapshot just written cannot be read: it is not pointed at',
      );
      await this.#delete(ref); // so that the next one at this place is written anew
      if (final) throw error;
      return;
    }
    await this.#point(ref, final);
    this.#freshAt = startedAt;
    metrics.count('snapshots_written');
    metrics.timing('snapshot_ms', now() - startedAt);
    metrics.gauge('snapshot_bytes', ref.bytes, { shard: shardId }, 'sum');
    log.debug({ event: 'snapshot.written', shardId, ...name, ...written, final, ms: now() - startedAt }, 'a snapshot was written');
  }

  async #point(ref: SnapshotRef, final: boolean): Promise<void> {
    const { fence, table, patience } = this.#options;
    const previous = this.#base;
    const change = { current: ref, previous: previous ?? null, attempt: null, ...(final && { final: true as const }) };
    const { signal } = this.#abandoned;
    const outcome = await untilAnswered('point at a snapshot', () => table.write(fence, change), { ...patience, signal });
    if (outcome === 'fenced') throw leaseLost(fence, 'a snapshot');
    const letGo = [this.#current, this.#previous].filter(
      (old) => old !== undefined && !isSameSnapshot(old, ref) && !isSameSnapshot(old, previous),
    );
    this.#base = ref;
    this.#current = ref;
    this.#previous = previous;
    for (const old of letGo) await this.#delete(old as SnapshotRef);
  }

  /** Of what the row does not point at. What is not deleted now is swept later. */
  async #delete(ref: SnapshotRef): Promise<void> {
    const { fence, objects, log } = this.#options;
    await objects.delete(fence.shardId, ref, this.#abandoned.signal).catch((error: unknown) => {
      log.warn({ event: 'snapshot.left', err: ensureError(error) }, 'a snapshot that nothing points at was left');
    });
  }

  #rethrow(): void {
    const failure = this.#failure;
    if (failure === undefined) return;
    this.#failure = undefined;
    if (isLeaseLost(failure)) this.#options.metrics.count('fenced_writes_refused', 1, { what: 'snapshot' });
    throw failure;
  }
}
