import { isAfter, type Position, trimHorizon } from '../../lib/kcl/position.ts';
import type { ObjectStore } from '../../lib/objects/object-store.ts';
import { ensureError } from '../../lib/process/errors.ts';
import type { Logger } from '../../lib/process/log.ts';
import type { Metrics } from '../../lib/process/metrics.ts';
import type { StageCopier } from '../../lib/warehouse/copy.ts';
import type { Database, Session } from '../../lib/warehouse/database.ts';
import { type LoadOutcome, load, readWatermarks } from '../../lib/warehouse/load.ts';
import { requireSchema } from '../../lib/warehouse/migrations.ts';
import type { LoadRegistry } from '../registry/registry.ts';
import type { FileRow } from '../registry/registry-rows.ts';
import { findFaults, type ObjectFault } from '../stage/stage-check.ts';
import { type HousekeepingParts, StageHousekeeping } from '../stage/stage-housekeeping.ts';
import { BatchSize, isTooSlow } from './batch-size.ts';
import { OpenSessions } from './open-sessions.ts';
import { type ChainView, chainOf, type FileChain, type Plan, type PlanLimits, planBatch, withoutFiles } from './plan.ts';
import { isRefusal, RefusedFiles } from './refused-files.ts';

export interface CommitParts extends Pick<HousekeepingParts, 'inLake' | 'retentionMs' | 'orphanAgeMs'> {
  readonly application: string;
  readonly streamId: string;
  readonly registry: LoadRegistry;
  readonly objects: Pick<ObjectStore, 'head' | 'read' | 'create' | 'list' | 'delete'>;
  readonly database: Database;
  readonly copier: StageCopier;
  readonly limits: PlanLimits;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly now: () => number;
  readonly newId: () => string;
}

export type RoundOutcome =
  /** Nothing waits. */
  | 'idle'
  /** `more`: files wait that the limits left out. */
  | { readonly kind: 'committed'; readonly more: boolean }
  /** Another committer was first, or COMMIT was not answered and not made: look again. */
  | 'again'
  /** Files wait, none of them can be loaded. */
  | 'blocked';

/**
 * Rounds of the committer (docs/promises.md, loader). Between rounds it remembers only what cannot mislead: watermarks, as lower bounds,
 * which never fall, and files that were refused.
 */
export class CommitRounds {
  readonly #parts: CommitParts;
  #watermarks: ReadonlyMap<string, Position> | undefined;
  readonly #refused: RefusedFiles;
  readonly #housekeeping: StageHousekeeping;
  readonly #size: BatchSize;
  readonly #alarmed = new Set<string>();
  /** Files as last seen, less what was committed since. */
  #waiting: readonly FileRow[] = [];
  #schemaChecked = false;
  readonly #sessions: OpenSessions;

  constructor(parts: CommitParts) {
    this.#parts = parts;
    this.#sessions = new OpenSessions(parts.database);
    this.#size = new BatchSize(parts.limits);
    this.#refused = new RefusedFiles({ ...parts, dialect: parts.database.dialect, connect: () => this.#sessions.connect() });
    this.#housekeeping = new StageHousekeeping(parts);
  }

  /** Whether anything is registered beyond the watermarks as last read: one query, no warehouse. */
  async hasWork(): Promise<boolean> {
    if (this.#watermarks === undefined) return true;
    const heads = await this.#parts.registry.heads();
    const waits = [...heads].some(([shardId, head]) => isAfter(head, this.#watermark(shardId)));
    // No round follows that would say so.
    if (!waits) this.#reportWaiting([]);
    return waits;
  }

  /** One commit, if there is something to commit. Rejects when a store or the warehouse does not answer; nothing is lost then. */
  async run(): Promise<RoundOutcome> {
    // Registry first, watermarks after: the other way round, a commit in between would look like a gap.
    const shards = await this.#readRegistry();
    if (this.#watermarks !== undefined) this.#reportWaiting(shards.flatMap((shard) => shard.files));
    const outcome = await this.#run(shards);
    if (outcome !== 'again') await this.#keepHouse();
    return outcome;
  }

  /** Gives up the transaction under way, as a crash would: the warehouse rolls it back, the files wait. */
  async abort(): Promise<void> {
    await this.#sessions.closeAll();
  }

  async #run(shards: readonly RegisteredShard[]): Promise<RoundOutcome> {
    const session = await this.#sessions.connect();
    let outcome: RoundOutcome;
    try {
      if (!this.#schemaChecked) await requireSchema(session);
      this.#schemaChecked = true;
      outcome = await this.#commit(session, shards);
    } finally {
      await session.close();
    }
    if (outcome === 'again') return outcome;
    // Last, and each round for a bounded time only: a refused file keeps nobody waiting, and its failure makes no failure of a commit.
    const tried = await this.#refused.tryAlone().catch((thrown: unknown) => {
      const line = { event: 'loader.alone_failed', err: ensureError(thrown) };
      this.#parts.log.warn(line, 'a refused file could not be tried alone: it stays left out and is tried again');
      return 'none' as const;
    });
    if (tried === 'none') return outcome;
    if (typeof outcome === 'object') return { ...outcome, more: outcome.more || tried === 'some' };
    return 'again';
  }

  async #commit(session: Session, shards: readonly RegisteredShard[]): Promise<RoundOutcome> {
    let views = chainsOf(shards, await this.#readWatermarks(session));
    if (views.some((view) => view.gap)) {
      const again = await this.#readRegistry();
      views = chainsOf(again, await this.#readWatermarks(session));
    }
    this.#reportGaps(views);
    this.#reportWaiting(views.flatMap((view) => view.chain));
    const { chains, more } = await this.#planSound(views);
    if (chains.length === 0) return views.every((view) => view.chain.length === 0) ? 'idle' : 'blocked';
    return this.#load(session, chains, more);
  }

  async #load(session: Session, chains: readonly FileChain[], more: boolean): Promise<RoundOutcome> {
    const { application, streamId, copier, now, newId, metrics } = this.#parts;
    const batch = { batchId: newId(), application, streamId, chains };
    const startedAt = now();
    let outcome: LoadOutcome;
    // What fails before the first COPY is not of the files: the gate, the watermarks.
    let copying = false;
    const copy: StageCopier['copy'] = (...args) => {
      copying = true;
      return copier.copy(...args);
    };
    try {
      outcome = await load(session, { copy, refusal: (...args) => copier.refusal(...args) }, batch, now);
    } catch (error) {
      await session.close();
      const files = chains.flatMap((chain) => chain.files);
      if (copying && isTooSlow(error)) this.#tooSlow(error, files);
      if (isRefusal(error)) await this.#refused.refused(error, files);
      else if (!copying || !(await this.#refused.failed(error, files))) throw error;
      return 'again';
    }
    switch (outcome.kind) {
      case 'committed':
        this.#committed(chains, startedAt);
        this.#refused.committed(
          more,
          chains.flatMap(({ files }) => files),
        );
        metrics.count('rows_committed', outcome.inserted);
        metrics.count('rows_duplicate', outcome.copied - outcome.inserted);
        return { kind: 'committed', more };
      case 'lost':
        await this.#classifyLoss(session, chains, outcome.shardId);
        return 'again';
      case 'unknown':
        await session.close();
        return this.#resolveUnknown(chains, outcome.error, startedAt);
    }
  }

  #tooSlow(error: unknown, files: readonly FileRow[]): void {
    const { log, metrics } = this.#parts;
    metrics.count('batches_halved');
    const line = { event: 'loader.batch_slow', err: error, files: files.length, next: this.#size.tooSlow(files) };
    log.warn(line, 'a batch took too long: the next one is half as large');
  }

  #committed(chains: readonly FileChain[], startedAt: number): void {
    const { metrics, now } = this.#parts;
    const at = now();
    this.#size.committed();
    metrics.count('commits');
    metrics.timing('commit_ms', at - startedAt);
    const files = chains.flatMap((chain) => chain.files);
    metrics.count('files_committed', files.length);
    metrics.count(
      'bytes_committed',
      files.reduce((sum, file) => sum + file.csvBytes, 0),
    );
    for (const [occurredAt, arrivedAt] of files.flatMap((file) => file.sampledTimes ?? [])) {
      metrics.timing('freshness_ms', Math.max(0, at - occurredAt), { since: 'occurred' });
      metrics.timing('freshness_ms', Math.max(0, at - arrivedAt), { since: 'arrived' });
    }
    const moved = chains.map(({ shardId, files }) => [shardId, lastOf(files).to] as const);
    this.#watermarks = new Map([...(this.#watermarks ?? []), ...moved]);
    const loaded = new Set(files);
    this.#reportWaiting(this.#waiting.filter((file) => !loaded.has(file)));
  }

  /** The swap found the watermark elsewhere: already loaded, overtaken in the middle, or behind, which must not be. */
  async #classifyLoss(session: Session, chains: readonly FileChain[], shardId: string): Promise<void> {
    const { metrics, log } = this.#parts;
    const files = chains.find((chain) => chain.shardId === shardId)?.files;
    const watermark = (await this.#readWatermarks(session)).get(shardId) ?? trimHorizon;
    const from = files?.[0].from ?? trimHorizon;
    const reason = isAfter(from, watermark) ? 'gap' : files && !isAfter(lastOf(files).to, watermark) ? 'already_loaded' : 'lost_race';
    metrics.count('swap_losses', 1, { reason });
    log.info({ event: 'loader.swap_lost', shard: shardId, reason, from, watermark }, 'another committer was first');
  }

  /** COMMIT was sent, the answer never came: a new session reads what is true. */
  async #resolveUnknown(chains: readonly FileChain[], error: Error, startedAt: number): Promise<RoundOutcome> {
    const { log, metrics } = this.#parts;
    log.warn({ event: 'loader.commit_unanswered', err: error }, 'COMMIT was not answered: reading the watermarks');
    const session = await this.#sessions.connect();
    try {
      const watermarks = await this.#readWatermarks(session);
      const made = chains.every(({ shardId, files }) => !isAfter(lastOf(files).to, watermarks.get(shardId) ?? trimHorizon));
      metrics.count('commits_unanswered', 1, { made: String(made) });
      if (!made) return 'again';
      this.#committed(chains, startedAt);
      return { kind: 'committed', more: false };
    } finally {
      await session.close();
    }
  }

  /** One file more than a batch holds, so that the plan sees that more wait. */
  async #readRegistry(): Promise<RegisteredShard[]> {
    const { registry, limits } = this.#parts;
    const shards: RegisteredShard[] = [];
    for (const [shardId, head] of await registry.heads()) {
      const known = this.#watermark(shardId);
      if (isAfter(head, known)) shards.push({ shardId, head, files: await registry.files(shardId, known, limits.maxFiles + 1) });
    }
    return shards;
  }

  async #readWatermarks(session: Session): Promise<ReadonlyMap<string, Position>> {
    this.#watermarks = await readWatermarks(session, this.#parts.application, this.#parts.streamId);
    return this.#watermarks;
  }

  #watermark(shardId: string): Position {
    return this.#watermarks?.get(shardId) ?? trimHorizon;
  }

  /**
   * A batch whose objects are all there, as registered. It is planned anew without what proved faulty: the backlog of a shard that
   * waits for a repair, the oldest files there are, must not take the room of the others.
   */
  async #planSound(views: readonly ChainView[]): Promise<Plan> {
    const { objects, metrics } = this.#parts;
    const unloadable = new Set(this.#refused.leftOut());
    const sound = new Set<string>();
    for (;;) {
      const plan = planBatch(withoutFiles(views, unloadable), this.#refused.limits(this.#size.limits));
      const planned = plan.chains.flatMap(({ files }) => files.flatMap((file) => file.object ?? []));
      const faults = await findFaults(
        objects,
        planned.filter(({ key }) => !sound.has(key)),
      );
      for (const [key, fault] of faults) this.#alarmFaulty(key, fault);
      if (faults.size === 0) {
        metrics.gauge('objects_left_out', unloadable.size);
        return plan;
      }
      for (const { key } of planned) (faults.has(key) ? unloadable : sound).add(key);
    }
  }

  #alarmFaulty(key: string, fault: ObjectFault): void {
    const { metrics, log } = this.#parts;
    this.#alarmOnce(`${fault} ${key}`, () => {
      metrics.count('objects_faulty', 1, { fault });
      log.error({ event: 'loader.object_faulty', key, fault }, `a staged file is ${fault}: its shard waits for a repair, the others go on`);
    });
  }

  #reportWaiting(files: readonly FileRow[]): void {
    const { metrics, now } = this.#parts;
    this.#waiting = files;
    metrics.gauge('files_waiting', files.length);
    metrics.gauge('uncommitted_age_ms', files.length === 0 ? 0 : now() - Math.min(...files.map((file) => file.registeredAt)));
  }

  /** Both sides have been read twice by now. */
  #reportGaps(views: readonly ChainView[]): void {
    const { metrics, log } = this.#parts;
    const gaps = views.filter((view) => view.gap);
    metrics.gauge('load_gaps', gaps.length);
    for (const { shardId } of gaps) {
      const watermark = this.#watermark(shardId);
      this.#alarmOnce(`gap ${shardId} ${watermark}`, () => {
        log.error({ event: 'loader.gap', shard: shardId, watermark }, 'no registered file starts at the watermark: the shard is left out');
      });
    }
  }

  #alarmOnce(what: string, alarm: () => void): void {
    if (this.#alarmed.has(what)) return;
    this.#alarmed.add(what);
    alarm();
  }

  /** Nothing waits for it: what cannot be removed now is removed later. */
  async #keepHouse(): Promise<void> {
    if (!this.#housekeeping.due) return;
    const { log, metrics } = this.#parts;
    let failed = 0;
    try {
      const session = await this.#sessions.connect();
      try {
        await this.#housekeeping.run(session, this.#watermarks ?? new Map());
      } finally {
        await session.close();
      }
    } catch (thrown) {
      failed = 1;
      log.warn({ event: 'loader.housekeeping', err: ensureError(thrown) }, 'the stage could not be tidied: it is tried again');
    }
    metrics.gauge('housekeeping_failed', failed);
  }
}

interface RegisteredShard {
  readonly shardId: string;
  readonly head: Position;
  readonly files: readonly FileRow[];
}

const chainsOf = (shards: readonly RegisteredShard[], watermarks: ReadonlyMap<string, Position>): ChainView[] =>
  shards.map((shard) => chainOf({ ...shard, watermark: watermarks.get(shard.shardId) ?? trimHorizon }));

const lastOf = (files: readonly [FileRow, ...FileRow[]]): FileRow => files.at(-1) ?? files[0];
