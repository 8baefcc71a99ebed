import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type KinesisClient, PutRecordsCommand, type PutRecordsResultEntry } from '@aws-sdk/client-kinesis';
import type { PlannedRecord } from './planned-record.ts';
import type { SentRecord } from './send-log.ts';

// PutRecords takes 500 entries and 5 MiB a request (Kinesis API reference; 10 MiB since larger records came).
const maxEntries = 500;
const maxRequestBytes = 4 * 1_048_576;
const maxInFlight = 4;
/** Taken from the plan but not acknowledged; beyond it the plan waits, and records are sent late. */
const maxPending = 20_000;
const tickMs = 20;
const firstBackoffMs = 100;
const maxBackoffMs = 2_000;
/** After an abort, for what is under way. */
const abortGraceMs = 2_000;

export interface SenderOptions {
  readonly kinesis: KinesisClient;
  readonly streams: Readonly<Record<PlannedRecord['target'], string>>;
  readonly onSent: (record: SentRecord) => void;
  readonly now: () => number;
  /** Longest wait for any acknowledgement while something waits for one, ms; undefined: it is waited for ever. */
  readonly maxSilenceMs?: number;
  readonly random: () => number;
}

export interface SenderFigures {
  readonly sent: number;
  readonly bytes: number;
  /** Entries refused and put again. */
  readonly refused: number;
  /** Requests without an answer: their records were put again and may lie on the stream twice. */
  readonly unanswered: number;
}

interface Pending {
  readonly record: PlannedRecord;
  readonly bytes: number;
}

/**
 * Sends planned records when they are due. Every entry is put until Kinesis acknowledges it; each acknowledged
 * position is reported. Order is not kept: neither does the streaming destination this stands for.
 */
export class Sender {
  readonly #options: SenderOptions;
  readonly #queues: Readonly<Record<PlannedRecord['target'], Pending[]>> = { changes: [], events: [] };
  readonly #inFlight = new Set<Promise<void>>();
  #pending = 0;
  #heardAt = 0;
  #figures = { sent: 0, bytes: 0, refused: 0, unanswered: 0 };
  #failure: unknown;
  #gaveUp = false;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  get figures(): SenderFigures {
    return { ...this.#figures };
  }

  /** Resolves when the plan is exhausted and all of it is acknowledged; after an abort it waits for that 2 s at most. */
  async run(plan: Iterable<PlannedRecord>, signal: AbortSignal): Promise<void> {
    const records = plan[Symbol.iterator]();
    let next = records.next();
    while (!next.done && !signal.aborted) {
      const now = this.#options.now();
      for (; !next.done && next.value.sendAt <= now && this.#pending < maxPending; next = records.next()) this.#accept(next.value);
      this.#dispatch();
      this.#throwFailure();
      const dueIn = next.done ? 0 : next.value.sendAt - this.#options.now();
      await sleep(Math.max(tickMs, Math.min(dueIn, 500)), undefined, { signal }).catch(() => undefined);
    }
    let abortedAt: number | undefined;
    while (this.#pending > 0 && !this.#gaveUp) {
      this.#dispatch();
      this.#throwFailure();
      await Promise.race([...this.#inFlight, sleep(tickMs)]);
      if (signal.aborted) abortedAt ??= this.#options.now();
      this.#gaveUp = abortedAt !== undefined && this.#options.now() - abortedAt > abortGraceMs;
    }
  }

  #throwFailure(): void {
    const { maxSilenceMs, now } = this.#options;
    if (maxSilenceMs !== undefined && this.#pending > 0 && now() - this.#heardAt > maxSilenceMs) {
      this.#failure ??= new Error(`nothing was acknowledged for ${maxSilenceMs / 1_000} s: ${this.#pending} records wait; given up`);
    }
    if (!this.#failure) return;
    this.#gaveUp = true; // what is under way ends too
    throw this.#failure;
  }

  #accept(record: PlannedRecord): void {
    if (this.#pending === 0) this.#heardAt = this.#options.now();
    this.#queues[record.target].push({ record, bytes: record.data.length + Buffer.byteLength(record.partitionKey) });
    this.#pending++;
  }

  #dispatch(): void {
    for (const target of ['changes', 'events'] as const) {
      const queue = this.#queues[target];
      while (queue.length > 0 && this.#inFlight.size < maxInFlight) {
        const request = this.#put(target, takeRequest(queue)).catch((error: unknown) => {
          this.#failure ??= error;
        });
        this.#inFlight.add(request);
        void request.finally(() => this.#inFlight.delete(request));
      }
    }
  }

  /** Puts until each entry is acknowledged: backing off, and only the refused ones again. */
  async #put(target: PlannedRecord['target'], request: Pending[]): Promise<void> {
    let left = request;
    for (let backoff = firstBackoffMs; left.length > 0 && !this.#gaveUp; backoff = Math.min(backoff * 2, maxBackoffMs)) {
      const answers = await this.#putOnce(target, left);
      const answeredAt = this.#options.now();
      const refused: Pending[] = [];
      for (const [i, pending] of left.entries()) {
        const answer = answers?.[i];
        if (answer?.ShardId && answer.SequenceNumber) this.#acknowledge(target, pending, answer.ShardId, answer.SequenceNumber, answeredAt);
        else refused.push(pending);
      }
      left = refused;
      if (answers) this.#figures.refused += refused.length;
      if (left.length > 0) await sleep(backoff * (0.5 + this.#options.random() / 2));
    }
  }

  async #putOnce(target: PlannedRecord['target'], request: readonly Pending[]): Promise<PutRecordsResultEntry[] | undefined> {
    const Records = request.map(({ record }) => ({ Data: record.data, PartitionKey: record.partitionKey }));
    try {
      const answer = await this.#options.kinesis.send(new PutRecordsCommand({ StreamName: this.#options.streams[target], Records }));
      return answer.Records ?? [];
    } catch (error) {
      if (isOurFault(error)) throw error;
      this.#figures.unanswered++;
      return undefined;
    }
  }

  #acknowledge(
    target: PlannedRecord['target'],
    { record, bytes }: Pending,
    shardId: string,
    sequenceNumber: string,
    answeredAt: number,
  ): void {
    this.#pending--;
    this.#heardAt = answeredAt;
    this.#figures.sent++;
    this.#figures.bytes += bytes;
    this.#options.onSent({
      stream: this.#options.streams[target],
      shardId,
      sequenceNumber,
      sha256: createHash('sha256').update(record.data).digest('hex'),
      sendAt: record.sendAt,
      answeredAt,
      label: record.label,
    });
  }
}

function takeRequest(queue: Pending[]): Pending[] {
  let bytes = 0;
  let count = 0;
  for (const pending of queue) {
    if (count === maxEntries || (count > 0 && bytes + pending.bytes > maxRequestBytes)) break;
    bytes += pending.bytes;
    count++;
  }
  return queue.splice(0, count);
}

/** A request that can never succeed, such as one to a stream that does not exist. */
function isOurFault(error: unknown): boolean {
  const name = error instanceof Error ? error.name : '';
  return ['ResourceNotFoundException', 'ValidationException', 'InvalidArgumentException', 'AccessDeniedException'].includes(name);
}
