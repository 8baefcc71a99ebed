import type { DeadLetters } from '../../lib/deadletter/dead-letters.ts';
import { isAfter, type Position, position, sequenceOf, trimHorizon } from '../../lib/kcl/position.ts';
import type { Checkpointer, RecordProcessor, ShardContext, StreamRecord } from '../../lib/kcl/processor.ts';
import { ensureError, isPlatformError, PlatformError } from '../../lib/process/errors.ts';
import { ShardStager, type StagerTools } from './shard-stager.ts';
import { type Decode, putDeadLetter, stagedRowOf } from './staged-row.ts';

export interface FlushLimits {
  readonly rows: number;
  /** Of uncompressed CSV. */
  readonly bytes: number;
  readonly ageMs: number;
}

export interface ShardLoaderParts extends StagerTools {
  readonly deadLetters: DeadLetters;
  readonly limits: FlushLimits;
  readonly decode: Decode;
  /** The shard's records in (after, upTo], read from the stream itself. Rejects with STREAM_TRIMMED when some of them are gone. */
  readonly readGap: (shardId: string, after: Position, upTo: Position) => AsyncIterable<readonly StreamRecord[]>;
}

/**
 * One shard of the loader. Accepting is bounded by the flush limits: a full buffer is registered before the next record is looked at,
 * so a sink that is away holds the shard, and its records wait in the stream.
 */
export class ShardLoader implements RecordProcessor {
  readonly #parts: ShardLoaderParts;
  #shard: ShardContext | undefined;
  #stager: ShardStager | undefined;
  #delivered: Position | undefined;
  #refused: Position | undefined;

  constructor(parts: ShardLoaderParts) {
    this.#parts = parts;
  }

  async initialize(shard: ShardContext, checkpoint: Position): Promise<void> {
    this.#shard = shard;
    this.#stager = await ShardStager.resume(this.#parts, shard);
    const { head } = this.#stager;
    this.#parts.log.info({ event: 'loader.resumed', head, checkpoint }, 'the shard goes on from its head');
    // A checkpoint at a record is never made beyond the head, so this is a registry that was restored or emptied: KCL will not
    // deliver what lies between again. SHARD_END is beyond every head; that nothing lies between is the rule there.
    if (isAfter(checkpoint, head)) await this.#closeGap(checkpoint);
  }

  async processRecords(batch: { readonly records: readonly StreamRecord[] }, checkpointer: Checkpointer): Promise<void> {
    await this.#take(batch.records);
    this.#delivered = batch.records.at(-1)?.position ?? this.#delivered;
    const stager = this.#current();
    if (stager.buffer.ageMs(this.#parts.now()) >= this.#parts.limits.ageMs) await stager.flush();
    await this.#checkpoint(checkpointer);
  }

  async shardEnded(checkpointer: Checkpointer): Promise<void> {
    await this.#current().flush();
    const outcome = await checkpointer.all();
    if (!outcome.ok && outcome.reason === 'failed') throw new PlatformError('CHECKPOINT_FAILED', outcome.error, { retriable: true });
  }

  async shutdownRequested(checkpointer: Checkpointer): Promise<void> {
    try {
      await this.#current().flush({ stopping: true });
    } catch (error) {
      this.#parts.log.warn({ event: 'loader.left', err: ensureError(error) }, 'not all could be staged: the next owner reads it again');
    }
    await this.#checkpoint(checkpointer);
  }

  async leaseLost(): Promise<void> {
    this.#stager = undefined;
  }

  #current(): ShardStager {
    if (this.#stager === undefined) throw new PlatformError('INTERNAL', 'an action came before initialize or after the lease was lost');
    return this.#stager;
  }

  async #take(records: readonly StreamRecord[]): Promise<void> {
    const { limits, metrics } = this.#parts;
    const stager = this.#current();
    for (const record of records) {
      if (!stager.isNew(record.position)) {
        metrics.count('records_skipped');
        continue;
      }
      await this.#takeOne(stager, record);
      const { buffer } = stager;
      if (buffer.rows.length >= limits.rows || buffer.bytes >= limits.bytes) await stager.flush();
    }
  }

  async #takeOne(stager: ShardStager, record: StreamRecord): Promise<void> {
    const { metrics, now } = this.#parts;
    metrics.count('records_received');
    const outcome = stagedRowOf(record, this.#parts.decode);
    switch (outcome.kind) {
      case 'ok':
        stager.buffer.add(outcome.value, now());
        return;
      case 'drop':
        metrics.count('events_dropped', 1, { reason: outcome.reason });
        break;
      case 'deadLetter':
        // Before the record counts as read: its flush leads to the checkpoint.
        await this.#deadLetter(record, outcome);
    }
    stager.buffer.pass(record.position, now());
  }

  async #deadLetter(record: StreamRecord, letter: { readonly reason: string; readonly error: string }): Promise<void> {
    await putDeadLetter(
      this.#parts.deadLetters,
      { stream: this.#shard?.streamName ?? '', shard: this.#shard?.shardId ?? '' },
      record,
      letter,
    );
    this.#parts.metrics.count('records_dead_lettered', 1, { reason: letter.reason });
  }

  /**
   * At min(head, last delivered). An explicit checkpoint means sub-sequence 0: of an aggregate that the head cuts, the rest comes again.
   * Only when the head covers everything delivered may it be parameterless.
   */
  async #checkpoint(checkpointer: Checkpointer): Promise<void> {
    const { head } = this.#current();
    const delivered = this.#delivered;
    if (delivered === undefined) return;
    const all = !isAfter(delivered, head);
    const sequence = sequenceOf(head);
    const target = all ? delivered : sequence === undefined ? undefined : position(sequence);
    if (target === undefined || !isAfter(target, checkpointer.last) || target === this.#refused) return;
    const outcome = all || sequence === undefined ? await checkpointer.all() : await checkpointer.at(sequence);
    // A bounds error stays one until there is something new to say.
    this.#refused = !outcome.ok && outcome.reason === 'bounds' ? target : undefined;
  }

  async #closeGap(checkpoint: Position): Promise<void> {
    const { log, metrics, readGap } = this.#parts;
    const stager = this.#current();
    const shardId = this.#shard?.shardId ?? '';
    const { head } = stager;
    log.info({ event: 'loader.behind', head, checkpoint }, 'the checkpoint is beyond the head: reading the stream between them');
    let found = 0;
    const takeFrom = async (after: Position): Promise<unknown> => {
      try {
        for await (const records of readGap(shardId, after, checkpoint)) {
          found += records.length;
          await this.#take(records);
        }
        return undefined;
      } catch (error) {
        if (!isPlatformError(error, 'STREAM_TRIMMED')) throw error;
        return error;
      }
    };
    const trimmed = await takeFrom(head);
    if (trimmed !== undefined) {
      log.error(
        { event: 'loader.trimmed', err: trimmed },
        'records between head and checkpoint are gone from the stream: they are lost to the warehouse',
      );
      metrics.count('gaps_trimmed');
      // A read that starts at a record that is gone gives nothing, though what follows may still be there.
      await takeFrom(trimHorizon);
    }
    if (found > 0) {
      log.error(
        { event: 'loader.gap', head, checkpoint, records: found },
        'the registry stood behind the checkpoint: read from the stream',
      );
      metrics.count('gaps_read');
    }
    await stager.flush();
  }
}
