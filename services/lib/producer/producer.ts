import type { KinesisClient } from '@aws-sdk/client-kinesis';
import { type HashRange, listShards } from '../kcl/shards.ts';
import { ensureError, PlatformError } from '../process/errors.ts';
import type { Logger } from '../process/log.ts';
import type { Metrics } from '../process/metrics.ts';
import type { UserRecord } from './aggregation.ts';
import { type BackoffLimits, backoffMs } from './backoff.ts';
import { Buffering } from './buffering.ts';
import { type Clock, systemClock } from './clock.ts';
import { type BufferedRecord, Lanes } from './lanes.ts';
import { type Answer, putRecords, splitIntoRequests } from './put-records.ts';
import { overlaps, ShardMap } from './shard-map.ts';
import { type Entry, Transfer } from './transfer.ts';

export interface ProducerOptions {
  readonly kinesis: KinesisClient;
  readonly streamName: string;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Longest wait for an aggregate to fill. Default 100. */
  readonly lingerMs?: number;
  /** Unacknowledged records and their bytes in memory; beyond, `put` waits. Default 16 MiB and 50,000. */
  readonly maxBufferedBytes?: number;
  readonly maxBufferedRecords?: number;
  /** How long a record may fail again and again before the producer gives up. Default 5 min. */
  readonly retryBudgetMs?: number;
  readonly backoff?: BackoffLimits;
  readonly clock?: Clock;
  /** In [0, 1). */
  readonly random?: () => number;
}

const defaults = {
  lingerMs: 100,
  maxBufferedBytes: 16 * 1_048_576,
  maxBufferedRecords: 50_000,
  retryBudgetMs: 300_000,
  backoff: { baseMs: 50, capMs: 5_000 },
  clock: systemClock,
  random: Math.random,
} as const;

/** Pause before a map that could not be listed is asked for again. */
const mapRetryMs = 1_000;
const maxConcurrentRequests = 16;
/** Failed rounds after which a retry is worth a line in the log. */
const loudAttempts = 5;
/** Trying again cannot cure these. */
const fatalErrors = new Set(['ResourceNotFoundException', 'ValidationException', 'InvalidArgumentException', 'AccessDeniedException']);

/**
 * Puts records on a stream, aggregated per planned shard, with bounded memory, in order per hash key on first occurrences.
 *
 * - Everything unacknowledged holds the hash range that it was planned for; what overlaps it waits, whatever map planned either.
 * - An entry that failed, or whose answer was lost, keeps its range and is put again, so nothing later overtakes it.
 * - An aggregate that landed in another shard than planned counts as put only if all its records may be read there by the
 *   refreshed map; else each is put again alone (KCL drops an aggregate with one record outside the shard's range).
 *
 * A record may be put more than once. Once a record has failed for the whole retry budget the producer is failed for good:
 * to go on would break the order.
 */
export class Producer {
  readonly #options: Required<ProducerOptions>;
  readonly #map: ShardMap;
  readonly #lanes: Lanes;
  readonly #buffering: Buffering;
  readonly #transfers = new Set<Transfer>();
  #requests = 0;
  #nextMapTryAtMs = 0;
  #mapUnderWay = false;
  #pumpQueued = false;
  #timer: { readonly atMs: number; readonly cancel: () => void } | undefined;
  #closed = false;

  constructor(options: ProducerOptions) {
    this.#options = { ...defaults, ...options };
    this.#map = new ShardMap(() => listShards(options.kinesis, options.streamName));
    this.#lanes = new Lanes(this.#map);
    this.#buffering = new Buffering(this.#options, options.metrics, (record) => {
      const isFull = this.#lanes.add(record);
      if (isFull || this.#timer === undefined || this.#timer.atMs > record.receivedAtMs + this.#options.lingerMs) this.#queuePump();
    });
  }

  /**
   * Resolves once the record is accepted into the buffer; calls are accepted in order. Rejects with BUFFER_CLOSED after `close`,
   * with PUT_FAILED once the producer has failed, or when Kinesis could never take the record.
   */
  async put(record: UserRecord): Promise<void> {
    if (this.#closed) throw new PlatformError('BUFFER_CLOSED', `the producer of ${this.#options.streamName} is closed`);
    await this.#buffering.accept(record, this.#options.clock.now());
  }

  /** Resolves when all that was put before is acknowledged by Kinesis; rejects with PUT_FAILED. */
  async flush(): Promise<void> {
    const flushed = this.#buffering.flushed();
    this.#queuePump();
    await flushed;
  }

  /** Flushes; nothing can be put afterwards. */
  async close(): Promise<void> {
    this.#closed = true;
    try {
      await this.flush();
    } finally {
      this.#timer?.cancel();
    }
  }

  /** Many puts in one go make one round. */
  #queuePump(): void {
    if (this.#pumpQueued) return;
    this.#pumpQueued = true;
    queueMicrotask(() => {
      this.#pumpQueued = false;
      this.#pump();
    });
  }

  #pump(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#buffering.idle || this.#buffering.failure !== undefined) return;
    const now = this.#options.clock.now();
    // Only the first listing is waited for; without a map every hash key is planned by itself.
    if (this.#map.generation === 0 && !this.#mapUnderWay && now >= this.#nextMapTryAtMs) void this.#refreshMap();
    if (this.#map.generation === 0 && this.#mapUnderWay) return;

    const isHeld = (range: HashRange): boolean => [...this.#transfers].some((transfer) => overlaps(transfer.range, range));
    const isDue = (first: BufferedRecord): boolean => now - first.receivedAtMs >= this.#options.lingerMs || this.#buffering.isUrgent(first);
    for (const batch of this.#lanes.take(isDue, isHeld)) this.#transfers.add(new Transfer(batch, this.#map.generation));
    this.#send(now);
    this.#setTimer(now, isHeld);
  }

  #send(now: number): void {
    const due = [...this.#transfers].filter((transfer) => transfer.dueAtMs <= now);
    const requests = splitIntoRequests(due.flatMap((transfer) => transfer.entries()));
    for (const entries of requests.slice(0, maxConcurrentRequests - this.#requests)) {
      for (const { transfer } of entries) {
        if (!transfer.begun) this.#options.metrics.timing('BufferingTime', now - transfer.firstReceivedAtMs);
        transfer.begun = true;
        transfer.inFlight++;
      }
      this.#requests++;
      void this.#request(entries, now);
    }
  }

  /** Wakes when the next aggregate has lingered or the next retry is due. */
  #setTimer(now: number, isHeld: (range: HashRange) => boolean): void {
    const oldest = this.#lanes.oldest(isHeld);
    const wakeAt = Math.min(
      oldest === undefined ? Number.POSITIVE_INFINITY : oldest + this.#options.lingerMs,
      ...[...this.#transfers].map((transfer) => transfer.dueAtMs).filter((dueAt) => dueAt > now),
    );
    if (!Number.isFinite(wakeAt)) return;
    this.#timer = { atMs: wakeAt, cancel: this.#options.clock.after(Math.max(0, wakeAt - now), () => this.#pump()) };
  }

  async #request(entries: readonly Entry[], sentAt: number): Promise<void> {
    const { kinesis, streamName } = this.#options;
    let answers: readonly Answer[] = [];
    let failure: Error | undefined;
    try {
      answers = await putRecords(kinesis, streamName, entries);
    } catch (error) {
      failure = ensureError(error);
    }
    this.#requests--;
    if (failure !== undefined && fatalErrors.has(failure.name)) this.#fail(failure.message, failure);
    for (const [i, entry] of entries.entries()) {
      entry.transfer.inFlight--;
      this.#settle(entry, answers[i] ?? { kind: 'failed', code: failure?.name ?? 'NoAnswer' }, sentAt);
    }
    this.#queuePump();
  }

  #settle(entry: Entry, answer: Answer, sentAt: number): void {
    const { transfer } = entry;
    if (answer.kind === 'failed') this.#retry(entry, answer.code, sentAt);
    else if (answer.shardId === transfer.plan.shardId) this.#acknowledge(entry);
    else if (transfer.canStray(entry)) void this.#landedElsewhere(entry, answer.shardId);
    else {
      this.#acknowledge(entry);
      // Nothing to repair, but the map is out of date.
      if (transfer.plan.shardId !== undefined && transfer.generation === this.#map.generation) void this.#refreshMap();
    }
  }

  #acknowledge(entry: Entry): void {
    entry.transfer.acknowledge(entry.records);
    if (entry.transfer.done) this.#transfers.delete(entry.transfer);
    this.#buffering.acknowledge(entry.records);
  }

  async #landedElsewhere(entry: Entry, shardId: string): Promise<void> {
    const { transfer } = entry;
    transfer.inFlight++;
    const isNewer = this.#map.generation > transfer.generation;
    const known = isNewer ? this.#map.rangeOf(shardId) : undefined;
    const range = known ?? ((await this.#refreshMap()) ? this.#map.rangeOf(shardId) : undefined);
    transfer.inFlight--;
    if (range !== undefined && transfer.fitsInto(range)) this.#acknowledge(entry);
    else {
      const { streamName, log, metrics } = this.#options;
      metrics.count('AggregatesStrayed');
      log.info({ event: 'producer.strayed', streamName, planned: transfer.plan.shardId, landed: shardId, records: entry.records.length });
      transfer.goSingle();
    }
    this.#queuePump();
  }

  /** False when the shards cannot be listed. */
  async #refreshMap(): Promise<boolean> {
    const { clock, log, streamName } = this.#options;
    if (!this.#mapUnderWay && clock.now() < this.#nextMapTryAtMs) return false;
    this.#mapUnderWay = true;
    const isFresh = await this.#map.refresh();
    this.#mapUnderWay = false;
    if (!isFresh) {
      this.#nextMapTryAtMs = clock.now() + mapRetryMs;
      log.warn({ event: 'producer.no_shard_map', streamName }, 'the shards cannot be listed');
    }
    this.#queuePump();
    return isFresh;
  }

  #retry(entry: Entry, code: string, sentAt: number): void {
    const { backoff, clock, log, metrics, random, retryBudgetMs, streamName } = this.#options;
    const { transfer } = entry;
    metrics.count('ErrorsByCode', 1, { code });
    metrics.count('RetriesPerRecord', entry.records.length);
    const failingMs = transfer.failed(sentAt, clock.now(), (attempt) => backoffMs(attempt, backoff, random));
    if (failingMs > retryBudgetMs) this.#fail(`${code} for ${failingMs} ms`);
    if (transfer.attempts === loudAttempts) log.warn({ event: 'producer.retrying', streamName, code, attempts: transfer.attempts });
  }

  #fail(why: string, cause?: Error): void {
    if (this.#buffering.failure !== undefined) return;
    const { log, streamName } = this.#options;
    const error = new PlatformError('PUT_FAILED', `cannot put on ${streamName}: ${why}`, { cause });
    log.error({ event: 'producer.failed', streamName, err: error });
    this.#buffering.fail(error);
    this.#timer?.cancel();
  }
}
