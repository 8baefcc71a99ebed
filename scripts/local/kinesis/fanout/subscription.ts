import type { Writable } from 'node:stream';
import type { Subject } from '../faults/subject.ts';
import type { Service } from '../operations/call.ts';
import { millisBehind } from '../operations/get-records.ts';
import type { Codec } from '../protocol/codec.ts';
import type { ApiError } from '../protocol/errors.ts';
import { encodeMessage, eventHeaders, exceptionMessage } from '../protocol/event-stream.ts';
import type { Eviction, Occupant, Seat } from '../store/consumer-seat.ts';
import type { Consumer } from '../store/consumers.ts';
import type { Batch } from '../store/record-log.ts';
import type { Shard } from '../store/shard.ts';
import type { Stream } from '../store/stream.ts';
import { evictionError } from './eviction.ts';
import { eventPayload, readNext } from './push.ts';

/** SubscribeToShard, API reference: "for up to 5 minutes". */
const lifeMs = 300_000;
/** An idle subscription is told its progress so often. AWS documents that it is, not how often; its users see about 5 s. */
const idleMs = 5_000;
/** A reader that does not read has so long after the end to fetch what is queued for it. */
const lingerMs = 10_000;

export interface SubscriptionParts {
  readonly service: Service;
  readonly subject: Subject;
  readonly codec: Codec;
  readonly consumer: Consumer;
  readonly seat: Seat;
  readonly stream: Stream;
  readonly shard: Shard;
  /** Of the first record to push. */
  readonly counter: number;
}

/**
 * Pushes the records of one shard to one consumer as they are appended. It waits while the reader's connection is full, with one
 * event queued at most; while the consumer's pace forbids more; and at the tip, where an empty event tells the progress now and
 * then. It is `granted` when the call succeeds, `open` from `start` on, and `over` at its end or when the reader leaves.
 */
export class Subscription implements Occupant {
  readonly #parts: SubscriptionParts;
  readonly #headers: Buffer;
  #state: 'granted' | 'open' | 'over' = 'granted';
  #counter: number;
  #pushedAtMs = Number.NEGATIVE_INFINITY;
  #out: Writable | undefined;
  #full = false;
  #error: ApiError | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #cancelPaced: (() => void) | undefined;
  #cancelIdle: (() => void) | undefined;
  #cancelEnd: (() => void) | undefined;

  constructor(parts: SubscriptionParts) {
    this.#parts = parts;
    this.#counter = parts.counter;
    this.#headers = eventHeaders('SubscribeToShardEvent', parts.codec);
  }

  /** Begins to push; the way to the reader may have been lost meanwhile, and the seat too. */
  start(out: Writable): void {
    const { service, codec, shard } = this.#parts;
    this.#out = out;
    if (out.destroyed) return this.#release();
    out.on('close', this.#release).on('error', this.#release).on('drain', this.#drained);
    this.#write(encodeMessage(eventHeaders('initial-response', codec), codec.encode({})));
    if (this.#state === 'over') return this.#finish();
    this.#state = 'open';
    service.subscriptions.add(this);
    shard.watchers.add(this.#noted);
    this.#cancelEnd = service.clock.after(lifeMs, () => this.end());
    this.#push();
    this.#awaitIdleness();
  }

  evict(reason: Eviction): void {
    const { service, consumer, stream, shard } = this.#parts;
    this.end(evictionError(reason, consumer, stream, shard, service.store.accountId));
  }

  /** Ends the stream, cleanly unless there is an error to tell. */
  end(error?: ApiError): void {
    if (this.#state === 'over') return;
    this.#error = error;
    this.#release();
    this.#finish();
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
    const { service, subject, seat, shard } = this.#parts;
    while (this.#state === 'open' && !this.#full) {
      const nowMs = service.clock.now();
      const allowance = service.limits ? seat.pace.allowance(nowMs) : Number.POSITIVE_INFINITY;
      if (allowance === 0) return this.#pushAt(seat.pace.nextMs(nowMs));
      const batch = readNext(this.#parts, this.#counter, allowance);
      const ended = shard.end !== undefined && batch.next === undefined;
      if (batch.count === 0 && !ended && nowMs - this.#pushedAtMs < idleMs) return;
      if (batch.count > 0 && service.faults.isStuck(subject)) return;
      if (service.limits) seat.pace.charge(nowMs, batch.bytes);
      this.#send(batch, ended);
      this.#pushedAtMs = nowMs;
      if (ended) this.end();
    }
  }

  /** Every event goes through here. */
  #send(batch: Batch, ended: boolean): void {
    const { service, consumer, shard, stream } = this.#parts;
    this.#counter = batch.next?.counter ?? Math.max(this.#counter, stream.nextCounter);
    this.#write(encodeMessage(this.#headers, eventPayload(this.#parts, batch, this.#counter, ended)));
    const event = { bytes: batch.bytes, records: batch.count, millisBehind: millisBehind(batch, service.clock.now()) };
    service.metrics.published(stream.name, shard.id, consumer.name, event);
  }

  #pushAt(atMs: number): void {
    this.#cancelPaced ??= this.#parts.service.clock.at(atMs, () => {
      this.#cancelPaced = undefined;
      this.#push();
    });
  }

  /** Looks again only when the time is over: mostly events have gone in between, and an entry for each of them would cost. */
  #awaitIdleness(): void {
    if (this.#state !== 'open') return;
    const { clock } = this.#parts.service;
    const idleAtMs = this.#pushedAtMs + idleMs;
    const nowMs = clock.now();
    this.#cancelIdle = clock.at(idleAtMs > nowMs ? idleAtMs : nowMs + idleMs, () => {
      this.#push();
      this.#awaitIdleness();
    });
  }

  #write(message: Buffer): void {
    if (this.#out?.write(message) === false) this.#full = true;
  }

  /** Lets go of everything on this side; again when the connection closes, since `#finish` has set a timer since. */
  readonly #release = (): void => {
    const { service, seat, shard } = this.#parts;
    this.#state = 'over';
    shard.watchers.delete(this.#noted);
    service.subscriptions.delete(this);
    seat.leave(this);
    clearImmediate(this.#immediate);
    this.#cancelPaced?.();
    this.#cancelIdle?.();
    this.#cancelEnd?.();
  };

  #finish(): void {
    const out = this.#out;
    if (out === undefined) return;
    if (this.#error !== undefined) this.#write(exceptionMessage(this.#error, this.#parts.codec));
    out.end();
    this.#cancelEnd = this.#parts.service.clock.after(lingerMs, () => out.destroy());
  }
}
