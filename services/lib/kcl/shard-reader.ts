import { setTimeout as delay } from 'node:timers/promises';
import {
  type _Record as ApiRecord,
  GetRecordsCommand,
  type GetRecordsCommandOutput,
  GetShardIteratorCommand,
  type KinesisClient,
} from '@aws-sdk/client-kinesis';
import { canPass } from '../process/aws-errors.ts';
import { ensureError, PlatformError } from '../process/errors.ts';
import { deaggregate } from '../producer/aggregation.ts';
import { isAfter, type Position, position, sequenceOf, shardEnd, trimHorizon } from './position.ts';
import type { StreamRecord } from './processor.ts';
import type { Shard } from './shards.ts';

/** Five GetRecords a second and shard are shared by all readers (Kinesis quotas); the consumers take most of them. */
const callIntervalMs = 1_000;
const maxRecordsPerCall = 10_000; // the most GetRecords allows
const maxFailuresInARow = 20;
const maxBackoffMs = 5_000; // a 10 MiB answer blocks a shard for 5 s (Kinesis quotas)

export interface ReaderClock {
  /** Epoch ms. */
  now(): number;
  /** Rejects when the signal aborts. */
  sleep(ms: number, signal: AbortSignal | undefined): Promise<void>;
}

const systemClock: ReaderClock = {
  now: Date.now,
  sleep: (ms, signal) => delay(ms, undefined, signal === undefined ? {} : { signal }),
};

export interface ShardRead {
  readonly kinesis: Pick<KinesisClient, 'send'>;
  readonly streamName: string;
  readonly shard: Shard;
  /** Exclusive. `trimHorizon`: from the oldest record that is still there. */
  readonly after: Position;
  /**
   * Inclusive, and a record of the shard (a checkpoint is one). `end`: to the end of the shard, waiting for it to be closed;
   * `tip`: to the newest record there is when the reader gets there, or to the end.
   */
  readonly upTo: Position | 'end' | 'tip';
  readonly signal?: AbortSignal;
  readonly clock?: ReaderClock;
  /** A whole aggregate was dropped because one of its user records lies outside the shard's range, as KCL does. */
  readonly onStray?: (sequenceNumber: string, userRecords: number) => void;
}

/**
 * Reads one shard without KCL, in order, aggregates taken apart, one array per answer (never empty).
 * At most one GetRecords a second; throttles, server and network faults are retried with a growing pause.
 * Rejects with STREAM_TRIMMED when records between `after` and `upTo` are older than the retention,
 * STREAM_UNAVAILABLE when the stream stays away, and the signal's reason when aborted.
 */
export async function* readShard(read: ShardRead): AsyncGenerator<StreamRecord[], void, undefined> {
  const { shard } = read;
  const upTo = read.upTo === shardEnd ? 'end' : read.upTo;
  if (read.after === shardEnd || upTo === trimHorizon || (isPosition(upTo) && !isAfter(upTo, read.after))) return;

  const calls = new Calls(read);
  const last = isPosition(upTo) ? sequencePosition(upTo) : undefined;
  let cursor = read.after;
  // Continuing at a record, not after it: the record itself must come back, or retention has overtaken us.
  let expected = sequenceOf(cursor);
  let iterator = await calls.iterator(expected);

  for (;;) {
    const answer = await calls.records(iterator);
    if (answer === 'expired') {
      expected = sequenceOf(cursor);
      iterator = await calls.iterator(expected);
      continue;
    }
    const batch: StreamRecord[] = [];
    let reached = false;
    for (const raw of answer.Records ?? []) {
      const outer = outerPosition(raw);
      if (expected !== undefined && outer !== position(expected)) throw trimmed(read, `record ${expected} is gone`);
      expected = undefined;
      if (last !== undefined && outer > last) {
        if (batch.length > 0) yield batch;
        throw trimmed(read, `record ${sequenceOf(last)} is gone`);
      }
      for (const record of userRecords(raw, read, isAfter(outer, cursor))) {
        if (isAfter(record.position, cursor) && !(isPosition(upTo) && isAfter(record.position, upTo))) batch.push(record);
      }
      // A dropped aggregate moves the cursor too: its sequence number is where an expired iterator continues.
      cursor = batch.at(-1)?.position ?? cursor;
      if (outer > cursor) cursor = outer;
      reached = outer === last;
      if (reached) break;
    }
    if (batch.length > 0) yield batch;
    if (reached) return;

    const ended = !answer.NextShardIterator;
    const caughtUp = answer.MillisBehindLatest === 0 && (answer.Records ?? []).length === 0;
    if (isPosition(upTo) && (ended || caughtUp)) throw trimmed(read, `record ${sequenceOf(upTo)} is gone`);
    if ((ended || caughtUp) && expected !== undefined) throw trimmed(read, `record ${expected} is gone`);
    if (ended || (upTo === 'tip' && answer.MillisBehindLatest === 0)) return;
    iterator = answer.NextShardIterator ?? '';
  }

  function trimmed({ streamName }: ShardRead, what: string): PlatformError {
    return new PlatformError('STREAM_TRIMMED', `${streamName} ${shard.shardId}: ${what}, older than the stream's retention`);
  }
}

const isPosition = (upTo: Position | 'end' | 'tip'): upTo is Position => upTo !== 'end' && upTo !== 'tip';

const sequencePosition = (p: Position): Position => position(sequenceOf(p) ?? '0');

function outerPosition(raw: ApiRecord): Position {
  if (raw.SequenceNumber === undefined || raw.PartitionKey === undefined || raw.Data === undefined) {
    throw new PlatformError('PROTOCOL', 'GetRecords answered an incomplete record');
  }
  return position(raw.SequenceNumber);
}

/** `unseen`: not a record that is read again only because the reader continues at it. */
function userRecords(raw: ApiRecord, { shard, onStray }: ShardRead, unseen: boolean): StreamRecord[] {
  const sequenceNumber = raw.SequenceNumber ?? '';
  const data = raw.Data ?? new Uint8Array();
  const taken = deaggregate(Buffer.from(data.buffer, data.byteOffset, data.byteLength), raw.PartitionKey ?? '', shard.range);
  if (taken.kind === 'stray') {
    if (unseen) onStray?.(sequenceNumber, taken.count);
    return [];
  }
  return taken.records.map((record, subSequenceNumber) => ({
    data: record.data,
    partitionKey: record.partitionKey,
    sequenceNumber,
    subSequenceNumber,
    position: position(sequenceNumber, subSequenceNumber),
    approximateArrivalTimestamp: raw.ApproximateArrivalTimestamp?.getTime() ?? 0,
  }));
}

/** The two API calls, paced and retried. */
class Calls {
  readonly #read: ShardRead;
  readonly #clock: ReaderClock;
  #nextCallAt = 0;

  constructor(read: ShardRead) {
    this.#read = read;
    this.#clock = read.clock ?? systemClock;
  }

  iterator(sequenceNumber: string | undefined): Promise<string> {
    const { kinesis, streamName, shard, signal } = this.#read;
    const start =
      sequenceNumber === undefined
        ? ({ ShardIteratorType: 'TRIM_HORIZON' } as const)
        : ({ ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: sequenceNumber } as const);
    return this.#retried('GetShardIterator', async () => {
      const command = new GetShardIteratorCommand({ StreamName: streamName, ShardId: shard.shardId, ...start });
      const answer = await kinesis.send(command, abortable(signal));
      if (!answer.ShardIterator) throw new PlatformError('PROTOCOL', 'GetShardIterator answered none');
      return answer.ShardIterator;
    });
  }

  records(iterator: string): Promise<GetRecordsCommandOutput | 'expired'> {
    const { kinesis, signal } = this.#read;
    return this.#retried('GetRecords', async () => {
      const command = new GetRecordsCommand({ ShardIterator: iterator, Limit: maxRecordsPerCall });
      // Inside the client's own retries, so that those keep the pace too.
      command.middlewareStack.add(
        (next) => async (args) => {
          await this.#pace();
          return next(args);
        },
        { step: 'finalizeRequest', priority: 'low', name: 'paceGetRecords' },
      );
      try {
        return await kinesis.send(command, abortable(signal));
      } catch (error) {
        if (ensureError(error).name === 'ExpiredIteratorException') return 'expired';
        throw error;
      }
    });
  }

  async #pace(): Promise<void> {
    const wait = this.#nextCallAt - this.#clock.now();
    if (wait > 0) await this.#clock.sleep(wait, this.#read.signal);
    this.#nextCallAt = this.#clock.now() + callIntervalMs;
  }

  async #retried<T>(call: string, attempt: () => Promise<T>): Promise<T> {
    const { streamName, shard, signal } = this.#read;
    for (let failures = 1; ; failures++) {
      signal?.throwIfAborted();
      try {
        return await attempt();
      } catch (error) {
        signal?.throwIfAborted();
        const where = `${call} of ${streamName} ${shard.shardId}`;
        const { name } = ensureError(error);
        if (error instanceof PlatformError) throw error;
        if (name === 'ResourceNotFoundException') {
          throw new PlatformError('STREAM_TRIMMED', `${where}: the shard is gone`, { cause: error });
        }
        if (!canPass(error)) throw new PlatformError('STREAM_UNAVAILABLE', `${where}: ${name}`, { cause: error });
        if (failures >= maxFailuresInARow) {
          throw new PlatformError('STREAM_UNAVAILABLE', `${where} failed ${failures} times`, { retriable: true, cause: error });
        }
        await this.#clock.sleep(Math.min(maxBackoffMs, callIntervalMs * 2 ** (failures - 1)), signal).catch((aborted: unknown) => {
          signal?.throwIfAborted();
          throw aborted;
        });
      }
    }
  }
}

const abortable = (signal: AbortSignal | undefined): { abortSignal?: AbortSignal } => (signal === undefined ? {} : { abortSignal: signal });
