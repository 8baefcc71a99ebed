import { isAfter, type Position } from '../../lib/kcl/position.ts';
import type { ObjectStore } from '../../lib/objects/object-store.ts';
import { ensureError, isPlatformError, PlatformError } from '../../lib/process/errors.ts';
import type { Logger } from '../../lib/process/log.ts';
import type { Metrics } from '../../lib/process/metrics.ts';
import { type BackoffLimits, backoffMs } from '../../lib/producer/backoff.ts';
import type { LoadRegistry } from '../registry/registry.ts';
import type { FileRow } from '../registry/registry-rows.ts';
import { numbered, packFile, type ShardIdentity, stageKey } from '../stage/stage-file.ts';
import { StageBuffer, type StagedRow } from './stage-buffer.ts';

export interface StagerTools {
  readonly registry: LoadRegistry;
  readonly objects: Pick<ObjectStore, 'create'>;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly now: () => number;
  readonly newId: () => string;
  readonly random: () => number;
  readonly pause: (ms: number) => Promise<unknown>;
}

const backoff: BackoffLimits = { baseMs: 100, capMs: 5_000 };
/** A sink that is away is tried for as long as it takes: records wait in the stream. When the task stops they are left to its successor. */
const attemptsWhenStopping = 3;

/**
 * Turns what one shard delivers into registered files (docs/promises.md, loader):
 * object PUT → registry append, which moves the head → the caller's checkpoint.
 * Two processes may run this for one shard: only one append per head succeeds, and who loses goes on from the new head.
 */
export class ShardStager {
  readonly buffer = new StageBuffer();
  readonly #tools: StagerTools;
  readonly #shard: ShardIdentity;
  #head: Position;

  private constructor(tools: StagerTools, shard: ShardIdentity, head: Position) {
    this.#tools = tools;
    this.#shard = shard;
    this.#head = head;
  }

  static async resume(tools: StagerTools, shard: ShardIdentity): Promise<ShardStager> {
    const head = await retrying(tools, 'registry', Number.POSITIVE_INFINITY, () => tools.registry.head(shard.shardId));
    return new ShardStager(tools, shard, head);
  }

  /** Everything up to here is registered. */
  get head(): Position {
    return this.#head;
  }

  /** Whether a delivered record is new: beyond the head and beyond what is buffered. */
  isNew(position: Position): boolean {
    return isAfter(position, this.buffer.reached ?? this.#head);
  }

  /**
   * Registers all that is buffered. Rejects when a sink stays away while stopping, or when the registry contradicts itself;
   * the head then says what is durable.
   */
  async flush(options: { readonly stopping?: boolean } = {}): Promise<void> {
    const attempts = options.stopping === true ? attemptsWhenStopping : Number.POSITIVE_INFINITY;
    for (let to = this.buffer.reached; to !== undefined; to = this.buffer.reached) {
      const file = await this.#stage(this.buffer.rows, to, attempts);
      const head = await this.#append(file, attempts);
      this.#head = head;
      this.buffer.dropUpTo(head);
    }
  }

  /** PUTs the rows as one object; without rows there is none. */
  async #stage(rows: readonly StagedRow[], to: Position, attempts: number): Promise<FileRow> {
    const { newId, now, objects, metrics } = this.#tools;
    const fileId = newId();
    const from = this.#head;
    const key = stageKey(this.#shard, from, to, fileId);
    const { body, content } = await packFile(fileId, key, numbered(rows));
    if (body !== undefined) {
      // `exists` under a key with a fresh uuid is our own PUT, whose first answer was lost.
      await retrying(this.#tools, 'objects', attempts, () => objects.create(key, body, 'application/gzip'));
      metrics.count('rows_staged', rows.length);
      metrics.count('bytes_staged', body.length);
    }
    return { shardId: this.#shard.shardId, fileId, from, to, registeredAt: now(), ...content };
  }

  /** Returns the head as it stands afterwards: `file.to`, or wherever somebody else has moved it. */
  async #append(file: FileRow, attempts: number): Promise<Position> {
    const { registry, metrics, log, random, pause } = this.#tools;
    for (let attempt = 1; ; attempt++) {
      let lost = false;
      try {
        if ((await registry.append(file)) === 'appended') {
          metrics.count('files_registered');
          return file.to;
        }
        lost = true;
      } catch (error) {
        if (!isPlatformError(error) || !error.retriable) throw error;
        log.warn({ event: 'registry.unanswered', attempt, err: error }, 'an append was not answered: the head decides');
      }
      // Lost or unanswered, only a strong read of the head says where the shard stands.
      const head = await retrying(this.#tools, 'registry', attempts, () => registry.head(file.shardId));
      if (isAfter(head, file.from)) {
        if (lost) metrics.count('appends_lost');
        return head;
      }
      if (lost || head !== file.from) {
        throw new PlatformError('INTERNAL', `the head of ${file.shardId} is ${head}, an append from ${file.from} was refused`);
      }
      if (attempt >= attempts) throw new PlatformError('TABLE_UNAVAILABLE', 'the registry takes no append', { retriable: true });
      await pause(backoffMs(attempt, backoff, random));
    }
  }
}

async function retrying<T>(tools: StagerTools, sink: 'objects' | 'registry', attempts: number, action: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await action();
    } catch (error) {
      if (!isPlatformError(error) || !error.retriable || attempt >= attempts) throw ensureError(error);
      tools.metrics.count('sink_retries', 1, { sink });
      tools.log.warn({ event: 'sink.retry', sink, attempt, err: error }, `${sink} did not answer: trying again`);
      await tools.pause(backoffMs(attempt, backoff, tools.random));
    }
  }
}
