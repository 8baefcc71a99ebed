import { isInLake } from '../../lib/lake/layout.ts';
import type { ObjectStore } from '../../lib/objects/object-store.ts';
import { type ErrorCode, ensureError, isPlatformError } from '../../lib/process/errors.ts';
import type { Logger } from '../../lib/process/log.ts';
import type { Metrics } from '../../lib/process/metrics.ts';
import { type BackoffLimits, backoffMs } from '../../lib/producer/backoff.ts';
import type { Database } from '../../lib/warehouse/database.ts';
import { type CommittedBatch, committedBatches } from './lake-ledger.ts';
import type { LakeWriter } from './lake-writer.ts';

export interface LakeQueueParts {
  readonly application: string;
  readonly streamId: string;
  readonly database: Database;
  readonly objects: Pick<ObjectStore, 'head'>;
  readonly writer: Pick<LakeWriter, 'write'>;
  /** How long loaded files stay in the stage (ms): a batch that is older, and a week, is not looked for any more. */
  readonly retentionMs: number;
  /** Aborted when the task stops. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly now: () => number;
  readonly random: () => number;
}

/** Without a commit: for batches of a committer that died, and for those that could not be written before. */
const lookMs = 120_000;
/** Staged files of a batch that is not in the lake are kept beyond their retention; an outage of the lake may last this long. */
const outageMs = 7 * 24 * 3_600_000;
/** A batch appears in the ledger when its transaction commits, later than its loaded_at, which is of another task's clock besides. */
const overlapMs = 3_600_000;
const concurrentHeads = 16;
const backoff: BackoffLimits = { baseMs: 1_000, capMs: 60_000 };

/** What lies in one batch alone, a defect of ours too; else a store or the warehouse is away. */
const isDamage = (error: unknown): boolean => !isPlatformError(error) || damage.has(error.code);
const damage: ReadonlySet<ErrorCode> = new Set(['OBJECT_MISSING', 'OBJECT_CORRUPT', 'WAREHOUSE_MISMATCH', 'INTERNAL'] as const);

/**
 * Brings committed batches into the lake, one after the other, in the background of the task that commits. What there is to do stands in
 * the ledger and in the markers alone, so a crash loses nothing, and two tasks that both think they commit do the same work twice.
 */
export class LakeQueue {
  readonly #parts: LakeQueueParts;
  /** Batches since #since that are known to be in the lake. */
  #done = new Set<string>();
  #since: number;
  readonly #alarmed = new Set<string>();
  #work: Promise<void> | undefined;
  #wanted = false;
  #notBefore = 0;
  #failures = 0;

  constructor(parts: LakeQueueParts) {
    this.#parts = parts;
    this.#since = parts.now() - parts.retentionMs - outageMs;
  }

  /** This task commits: starts a look if one is due. Never waits, never throws. */
  leading(): void {
    if (this.#parts.now() >= this.#notBefore) this.#look();
  }

  /** A batch was committed: starts a look, unless the last one failed a moment ago. */
  committed(): void {
    this.#wanted = true;
    if (this.#failures === 0) this.#look();
    else this.leading();
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await this.#work;
  }

  #look(): void {
    if (this.#work !== undefined || this.#parts.signal.aborted) return;
    this.#work = this.#run().finally(() => {
      this.#work = undefined;
    });
  }

  async #run(): Promise<void> {
    const { now, log, metrics, random, signal } = this.#parts;
    try {
      do {
        this.#wanted = false;
        await this.#writeMissing();
      } while (this.#wanted && !signal.aborted);
      this.#failures = 0;
      this.#notBefore = now() + lookMs;
    } catch (error) {
      if (signal.aborted) return;
      this.#failures += 1;
      this.#notBefore = now() + backoffMs(this.#failures, backoff, random);
      log.warn({ event: 'lake.failed', failures: this.#failures, err: ensureError(error) }, 'the lake waits: commits go on');
    }
    metrics.gauge('lake_failures', this.#failures);
  }

  async #writeMissing(): Promise<void> {
    const { now } = this.#parts;
    const batches = await this.#committed();
    const missing = await this.#missing(batches);
    const unwritable: CommittedBatch[] = [];
    for (const [position, batch] of missing.entries()) {
      this.#report(missing.length - position, unwritable.length, unwritable[0] ?? batch);
      if (await this.#write(batch.batchId)) this.#done.add(batch.batchId);
      else unwritable.push(batch);
    }
    this.#report(unwritable.length, unwritable.length, unwritable[0]);
    const oldest = unwritable[0] ?? batches.at(-1);
    if (oldest !== undefined) this.#since = Math.max(this.#since, Math.min(oldest.loadedAt, now()) - overlapMs);
    this.#done = new Set(batches.map(({ batchId }) => batchId).filter((batchId) => this.#done.has(batchId)));
  }

  async #committed(): Promise<readonly CommittedBatch[]> {
    const { database, application, streamId } = this.#parts;
    const session = await database.connect();
    try {
      return await committedBatches(session, application, streamId, this.#since);
    } finally {
      await session.close();
    }
  }

  /** Those without a marker, in the same order. */
  async #missing(batches: readonly CommittedBatch[]): Promise<readonly CommittedBatch[]> {
    const { objects, signal } = this.#parts;
    const unknown = batches.filter(({ batchId }) => !this.#done.has(batchId));
    for (let at = 0; at < unknown.length; at += concurrentHeads) {
      signal.throwIfAborted();
      await Promise.all(
        unknown.slice(at, at + concurrentHeads).map(async ({ batchId }) => {
          if (await isInLake(objects, batchId)) this.#done.add(batchId);
        }),
      );
    }
    return unknown.filter(({ batchId }) => !this.#done.has(batchId));
  }

  /** False for a batch that is damaged: the others go on, and it is tried again at the next look. Rejects when a store is away. */
  async #write(batchId: string): Promise<boolean> {
    const { writer, log, metrics, now, signal } = this.#parts;
    const startedAt = now();
    try {
      await writer.write(batchId);
      metrics.timing('lake_batch_ms', now() - startedAt);
      return true;
    } catch (error) {
      if (signal.aborted || !isDamage(error)) throw error;
      if (!this.#alarmed.has(batchId)) {
        this.#alarmed.add(batchId);
        log.error({ event: 'lake.unwritable', batch: batchId, err: error }, 'a batch cannot be copied into the lake: its files stay');
      }
      return false;
    }
  }

  #report(waiting: number, unwritable: number, oldest: CommittedBatch | undefined): void {
    const { metrics, now } = this.#parts;
    metrics.gauge('lake_batches_waiting', waiting);
    metrics.gauge('lake_batches_unwritable', unwritable);
    metrics.gauge('lake_age_ms', oldest === undefined ? 0 : Math.max(0, now() - oldest.loadedAt));
  }
}
