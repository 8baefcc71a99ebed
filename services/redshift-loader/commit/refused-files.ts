import { isPlatformError } from '../../lib/process/errors.ts';
import type { Logger } from '../../lib/process/log.ts';
import type { Metrics } from '../../lib/process/metrics.ts';
import { CopyRefusedError, type StageCopier, StagedObjectError } from '../../lib/warehouse/copy.ts';
import { copyAlone } from '../../lib/warehouse/copy-alone.ts';
import type { Session } from '../../lib/warehouse/database.ts';
import type { Dialect } from '../../lib/warehouse/ddl.ts';
import type { Refusal } from '../../lib/warehouse/refusal.ts';
import type { LoadRegistry } from '../registry/registry.ts';
import type { FileRow } from '../registry/registry-rows.ts';
import { type QuarantineTools, takeOut } from '../stage/refused-lines.ts';
import type { PlanLimits } from './plan.ts';

export interface RefusedFilesParts extends QuarantineTools {
  readonly registry: Pick<LoadRegistry, 'replaceObject' | 'files'>;
  readonly copier: StageCopier;
  readonly dialect: Dialect;
  readonly connect: () => Promise<Session>;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly now: () => number;
}

/** A file that failed in the warehouse for a reason other than a line is left out for this long, then tried again, alone. */
const suspectMs = 600_000;
/** Of one round: a file with many bad lines must not keep the commits of others waiting. */
const aloneMs = 10_000;

/** A batch that failed this often in a row holds a file that no load can take: what passes by itself has had its time. */
const failuresOfBatch = 3;

/** An error that a file's content can cause. A right, a login, the schema: those are of the warehouse, and fail with any file. */
const mayBeOfFile = (error: unknown): boolean =>
  isPlatformError(error) && !error.retriable && (error.code === 'WAREHOUSE_MISMATCH' || error.code === 'INTERNAL');

/** Whether a load was refused because of what a file holds. */
export const isRefusal = (error: unknown): boolean => error instanceof StagedObjectError || error instanceof CopyRefusedError;

/**
 * Files that the warehouse refused. No batch takes them until they passed a COPY of their own, which loads nothing and takes no lock:
 * what they hold costs the other shards one failed attempt. Forgotten with the process; the next one meets the refusal again.
 */
export class RefusedFiles {
  readonly #parts: RefusedFilesParts;
  /** By object key. */
  readonly #alone = new Map<string, FileRow>();
  readonly #suspects = new Map<string, { readonly file: FileRow; readonly until: number }>();
  /** Files of a batch at most, while it is not known which one was refused. */
  #fewer: number | undefined;
  /** Batches in a row that failed, and the files that were found to be why: a COPY of their own does not tell. By object key. */
  #failures = 0;
  readonly #culprits = new Set<string>();

  constructor(parts: RefusedFilesParts) {
    this.#parts = parts;
  }

  /** Keys of objects that no batch takes now. */
  leftOut(): ReadonlySet<string> {
    return new Set([...this.#alone.keys(), ...this.#suspects.keys()]);
  }

  limits(limits: PlanLimits): PlanLimits {
    return { ...limits, maxFiles: Math.min(limits.maxFiles, this.#fewer ?? limits.maxFiles) };
  }

  committed(more: boolean, files: readonly FileRow[]): void {
    if (!more) this.#fewer = undefined;
    this.#failures = 0;
    for (const { object } of files) if (object !== undefined) this.#culprits.delete(object.key);
  }

  /**
   * A batch of these files failed after its COPY began, with an error that is no refusal; its session is closed. False: nothing is done
   * about it, the batch is to be tried again as it is.
   */
  async failed(error: unknown, files: readonly FileRow[]): Promise<boolean> {
    if (!mayBeOfFile(error)) return false;
    const known = files.find(({ object }) => object !== undefined && this.#culprits.has(object.key));
    if (known === undefined && this.#fewer === undefined && ++this.#failures < failuresOfBatch) return false;
    const file = known ?? (files.length === 1 ? files[0] : undefined);
    if (file === undefined) {
      this.#tryFewer(files.length, error);
      return true;
    }
    // A flush without rows: no COPY, so nothing of it to leave out.
    if (file.object === undefined) return false;
    this.#fewer = undefined;
    this.#failures = 0;
    this.#culprits.add(file.object.key);
    await this.#takeOut(file, error, undefined);
    return true;
  }

  /** A batch of these files was refused; its session is closed. */
  async refused(error: unknown, files: readonly FileRow[]): Promise<void> {
    const objects = files.flatMap((file) => file.object ?? []);
    const refusal = await this.#parts.copier.refusal(error, objects);
    const key = refusal?.key ?? (error instanceof StagedObjectError ? error.key : objects.length === 1 ? objects[0]?.key : undefined);
    const file = files.find(({ object }) => object !== undefined && object.key === key);
    if (file !== undefined) {
      this.#fewer = undefined;
      const next = await this.#takeOut(file, error, refusal);
      if (next !== undefined) this.#tryLater(next);
      return;
    }
    this.#tryFewer(objects.length, error);
  }

  #tryFewer(files: number, error: unknown): void {
    this.#fewer = Math.max(1, Math.floor(files / 2));
    this.#parts.metrics.count('batches_halved');
    this.#parts.log.warn(
      { event: 'loader.copy_refused', err: error, files: this.#fewer },
      'the warehouse refused a batch and does not say which file: trying fewer at a time',
    );
  }

  /**
   * Tries them one by one, as long as a round may. `some`: a file can be loaded again, `rest`: time ran out before all had their turn.
   * Rejects when a store or the warehouse does not answer: the file stays left out, its turn comes again.
   */
  async tryAlone(): Promise<'none' | 'some' | 'rest'> {
    const { now } = this.#parts;
    const end = now() + aloneMs;
    for (const [key, { file, until }] of this.#suspects) {
      if (until > now()) continue;
      this.#suspects.delete(key);
      this.#alone.set(key, file);
    }
    let passed = false;
    for (const [key, first] of new Map(this.#alone)) {
      // Last from now on: one that fails time and again keeps no other from its turn.
      this.#alone.delete(key);
      this.#alone.set(key, first);
      for (let file: FileRow | undefined = first; file !== undefined; ) {
        if (now() >= end) return 'rest';
        const error: unknown = (await this.#isCurrent(file)) ? await this.#copyAlone(file) : undefined;
        const next: FileRow | undefined =
          error === undefined ? undefined : await this.#takeOut(file, error, await this.#refusalOf(error, file));
        this.#alone.delete(file.object?.key ?? key);
        if (error === undefined) passed = true;
        if (next !== undefined) this.#tryLater(next);
        file = next;
      }
    }
    return passed ? 'some' : 'none';
  }

  #tryLater(file: FileRow): void {
    if (file.object !== undefined) this.#alone.set(file.object.key, file);
  }

  /** Undefined: nothing is left of the file to be tried. */
  async #takeOut(file: FileRow, error: unknown, refusal: Refusal | undefined): Promise<FileRow | undefined> {
    const { log, metrics, dialect } = this.#parts;
    const { shardId, object } = file;
    const outcome =
      refusal === undefined
        ? { kind: 'impossible' as const, why: 'the warehouse names no line' }
        : await takeOut(this.#parts, file, refusal, dialect);
    switch (outcome.kind) {
      case 'quarantined':
        metrics.count('rows_quarantined', 1, { reason: refusal?.reason ?? '' });
        log.error(
          { event: 'loader.line_refused', shard: shardId, file: file.fileId, key: object?.key, refusal },
          'the warehouse refuses a line: it is in quarantine, the file goes on without it',
        );
        return outcome.file;
      case 'lost':
        return undefined;
      case 'impossible':
        if (object !== undefined) this.#suspects.set(object.key, { file, until: this.#parts.now() + suspectMs });
        metrics.count('files_refused');
        log.error(
          { event: 'loader.object_refused', shard: shardId, key: object?.key, why: outcome.why, err: error },
          'a staged file cannot be loaded: its shard is left out',
        );
        return undefined;
    }
  }

  async #refusalOf(error: unknown, { object }: FileRow): Promise<Refusal | undefined> {
    return this.#parts.copier.refusal(error, object === undefined ? [] : [object]);
  }

  async #isCurrent(file: FileRow): Promise<boolean> {
    const [row] = await this.#parts.registry.files(file.shardId, file.from, 1);
    return row !== undefined && row.from === file.from && row.object?.key === file.object?.key;
  }

  /** What the warehouse has against the file; undefined: nothing. */
  async #copyAlone({ object, rows }: FileRow): Promise<unknown> {
    if (object === undefined) return undefined;
    const session = await this.#parts.connect();
    try {
      await copyAlone(session, this.#parts.copier, object, rows);
      return undefined;
    } catch (error) {
      if (isPlatformError(error) && error.retriable) throw error;
      return error;
    } finally {
      await session.close();
    }
  }
}
