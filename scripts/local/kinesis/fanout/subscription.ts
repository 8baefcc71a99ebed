import type { Writable } from 'node:stream';
import type { Service } from '../operations/call.ts';
import { millisBehind } from '../operations/get-records.ts';
import { childShape } from '../operations/shapes.ts';
import type { Codec } from '../protocol/codec.ts';
import type { ApiError } from '../protocol/errors.ts';
import { encodeMessage, eventHeaders, exceptionMessage } from '../protocol/event-stream.ts';
import type { Eviction, Occupant, Seat } from '../store/consumer-seat.ts';
import type { Consumer } from '../store/consumers.ts';
import type { Batch } from '../store/record-log.ts';
import { sequenceTextBehind } from '../store/sequence.ts';
import type { Shard } from '../store/shard.ts';
import type { Stream } from '../store/stream.ts';
import { evictionError } from './eviction.ts';
import { readNext } from './push.ts';

/** SubscribeToShard, API reference: "for up to 5 minutes". */
export const lifeMs = 300_000;
/** An idle subscription is told its progress so often, as AWS does (observed by KCL's users, not documented). */
export const idleMs = 5_000;
/** What is still queued for a reader that does not read is thrown away so long after the end. */
const lingerMs = 10_000;

export interface SubscriptionParts {
  readonly service: Service;
  readonly codec: Codec;
  readonly consumer: Consumer;
  readonly seat: Seat;
  readonly stream: Stream;
  readonly shard: Shard;
  /** Of the first record to push. */
  readonly counter: number;
}

/**
 * Pushes the records of one shard to one consumer as they are appended. Waits while the reader's connection is full (one event
 * at most is queued), while the consumer's pace forbids more, and at the tip, where an empty event tells the progress now and then.
 */
export class Subscription implements Occupant {
  readonly #parts: SubscriptionParts;
  readonly #out: Writable;
  readonly #headers: Buffer;
  #counter: number;
  #pushedAtMs = Number.NEGATIVE_INFINITY;
  #full = false;
  #immediate: NodeJS.Immediate | undefined;
  #cancelPaced: (() => void) | undefined;
  #cancelIdle: () => void = () => {};
  #cancelEnd: () => void;
  #open = true;

  constructor(parts: SubscriptionParts, out: Writable) {
    this.#parts = parts;
    this.#out = out;
    this.#counter = parts.counter;
    this.#headers = eventHeaders('SubscribeToShardEvent', parts.codec);
    this.#cancelEnd = parts.service.clock.after(lifeMs, () => this.end());
  }

  start(): void {
    const { service, codec, seat, shard } = this.#parts;
    if (this.#out.destroyed) return this.#close();
    this.#out.on('close', this.#close).on('error', this.#close).on('drain', this.#drained);
    seat.occupy(this);
    service.subscriptions.add(this);
    shard.watchers.add(this.#noted);
    this.#write(encodeMessage(eventHeaders('initial-response', codec), codec.encode({})));
    this.#push();
    this.#watchIdleness();
  }

  evict(reason: Eviction): void {
    const { service, consumer, stream, shard } = this.#parts;
    this.end(evictionError(reason, consumer, stream, shard, service.store.accountId));
  }

  /** Ends the stream, cleanly unless there is an error to tell. */
  end(error?: ApiError): void {
    if (!this.#open) return;
    this.#release();
    if (error !== undefined) this.#write(exceptionMessage(error, this.#parts.codec));
    this.#out.end();
    this.#cancelEnd = this.#parts.service.clock.after(lingerMs, () => this.#out.destroy());
  }

  /** Many appends become one batch. */
  readonly #noted = (): void => {
    this.#immediate ??= setImmediate(() => {
      this.#immediate = undefined;
      this.#push();
    });
  };

  readonly #drained = (): void => {
    this.#full = false;
    this.#push();
  };

  #push(): void {
    while (this.#open && !this.#full) {
      const { service, seat, shard, stream } = this.#parts;
      const nowMs = service.clock.now();
      const allowance = service.limits ? seat.pace.allowance(nowMs) : Number.POSITIVE_INFINITY;
      if (allowance <= 0) return this.#pushAt(seat.pace.nextMs);
      const batch = readNext(shard, this.#counter, allowance);
      const ended = shard.end !== undefined && batch.next === undefined;
      if (batch.count === 0 && !ended && nowMs - this.#pushedAtMs < idleMs) return;
      seat.pace.charge(batch.bytes);
      this.#counter = batch.next?.counter ?? Math.max(this.#counter, stream.nextCounter);
      this.#pushedAtMs = nowMs;
      this.#write(this.#encode(batch, ended, nowMs));
      if (ended) this.end();
    }
  }

  /** At the end of a shard KCL demands the children and no number to continue at. */
  #encode(batch: Batch, ended: boolean, nowMs: number): Buffer {
    const { codec, shard } = this.#parts;
    const rest = {
      ContinuationSequenceNumber: ended ? undefined : sequenceTextBehind(shard.sequenceBase, this.#counter - 1),
      MillisBehindLatest: millisBehind(batch, nowMs),
      ChildShards: ended ? shard.children.map(childShape) : undefined,
    };
    return encodeMessage(this.#headers, codec.encodeRead({ shard, batch, rest }));
  }

  #pushAt(atMs: number): void {
    this.#cancelPaced ??= this.#parts.service.clock.at(atMs, () => {
      this.#cancelPaced = undefined;
      this.#push();
    });
  }

  /** One timer, moved only when it is due: most of the time events have gone in between. */
  #watchIdleness(): void {
    if (!this.#open) return;
    const { clock } = this.#parts.service;
    this.#cancelIdle = clock.at(Math.max(this.#pushedAtMs, clock.now() - idleMs + 1) + idleMs, () => {
      this.#push();
      this.#watchIdleness();
    });
  }

  #write(message: Buffer): void {
    if (!this.#out.write(message)) this.#full = true;
  }

  #release(): void {
    const { service, seat, shard } = this.#parts;
    this.#open = false;
    shard.watchers.delete(this.#noted);
    service.subscriptions.delete(this);
    seat.leave(this);
    clearImmediate(this.#immediate);
    this.#cancelPaced?.();
    this.#cancelIdle();
    this.#cancelEnd();
  }

  /** The connection is gone, before or after the end. */
  readonly #close = (): void => {
    this.#release();
  };
}
