import { Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { EventStreamCodec } from '@smithy/core/event-streams';
import { Subscription } from '../../../../../scripts/local/kinesis/fanout/subscription.ts';
import { Faults } from '../../../../../scripts/local/kinesis/faults/faults.ts';
import { Subject } from '../../../../../scripts/local/kinesis/faults/subject.ts';
import { Metrics } from '../../../../../scripts/local/kinesis/metrics/metrics.ts';
import type { Service } from '../../../../../scripts/local/kinesis/operations/call.ts';
import { counterAt } from '../../../../../scripts/local/kinesis/operations/iterators.ts';
import { jsonCodec } from '../../../../../scripts/local/kinesis/protocol/json-codec.ts';
import { Tokens } from '../../../../../scripts/local/kinesis/protocol/tokens.ts';
import { Consumer } from '../../../../../scripts/local/kinesis/store/consumers.ts';
import type { Shard } from '../../../../../scripts/local/kinesis/store/shard.ts';
import { Store } from '../../../../../scripts/local/kinesis/store/store.ts';
import type { Stream } from '../../../../../scripts/local/kinesis/store/stream.ts';
import { startMs } from '../rig.ts';
import { CountingClock } from './fanout-rig.ts';

const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes).toString('utf8'),
  (text) => Buffer.from(text, 'utf8'),
);

export interface BareEvent {
  readonly atMs: number;
  /** `:event-type`, or `:exception-type` of an error. */
  readonly type: string;
  readonly texts: readonly string[];
  /** Data and keys. */
  readonly bytes: number;
  readonly continuation: string | undefined;
  readonly millisBehind: number;
  /** Of the last event of a shard. */
  readonly children: readonly { readonly ShardId: string; readonly ParentShards: readonly string[] }[] | undefined;
}

/** A reader that takes what it is sent at once, or only when it is told to. */
export class BareReader extends Writable {
  readonly events: BareEvent[] = [];
  /** The most that ever waited for this reader, in bytes. */
  maxQueued = 0;
  readonly #nowMs: () => number;
  readonly #isSlow: boolean;
  #taken: (() => void) | undefined;

  constructor(nowMs: () => number, isSlow: boolean) {
    super({ highWaterMark: isSlow ? 16_384 : Number.MAX_SAFE_INTEGER });
    this.#nowMs = nowMs;
    this.#isSlow = isSlow;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.maxQueued = Math.max(this.maxQueued, this.writableLength);
    this.events.push(this.#read(chunk));
    if (this.#isSlow) this.#taken = done;
    else done();
  }

  /** What a slow reader does with the message it holds. */
  take(): void {
    const taken = this.#taken;
    this.#taken = undefined;
    taken?.();
  }

  get pushed(): BareEvent[] {
    return this.events.filter(({ type }) => type === 'SubscribeToShardEvent');
  }

  #read(chunk: Buffer): BareEvent {
    const { headers, body } = codec.decode(chunk);
    const payload = JSON.parse(Buffer.from(body).toString()) as {
      Records?: { Data: string; PartitionKey: string }[];
      ContinuationSequenceNumber?: string;
      MillisBehindLatest?: number;
      ChildShards?: { ShardId: string; ParentShards: string[] }[];
    };
    const records = payload.Records ?? [];
    const data = records.map(({ Data }) => Buffer.from(Data, 'base64'));
    return {
      atMs: this.#nowMs(),
      type: String((headers[':event-type'] ?? headers[':exception-type'])?.value),
      texts: data.map((bytes) => bytes.toString('latin1', 0, 16)),
      bytes: data.reduce((sum, bytes, i) => sum + bytes.length + Buffer.byteLength(records[i]?.PartitionKey ?? ''), 0),
      continuation: payload.ContinuationSequenceNumber,
      millisBehind: payload.MillisBehindLatest ?? -1,
      children: payload.ChildShards,
    };
  }
}

/** A stream `s` of two shards with one consumer that reads the first, without a network between: what the clock makes due has happened when it returns. */
export class BareStream {
  readonly clock = new CountingClock();
  readonly service: Service;
  readonly stream: Stream;
  readonly shard: Shard;
  readonly consumer: Consumer;

  constructor(limits: boolean, maxBytes = 268_435_456) {
    const { clock } = this;
    const store = new Store({ accountId: '000000000000', region: 'us-east-1', maxBytes, clock, onTrim: () => {} });
    this.service = {
      store,
      clock,
      faults: new Faults(clock),
      metrics: new Metrics(clock),
      tokens: new Tokens(),
      limits,
      keepLimits: () => {},
      statusDelayMs: 0,
      subscriptions: new Set(),
      scratch: Buffer.alloc(0),
    };
    this.stream = store.create('s', 'PROVISIONED', 2);
    this.shard = this.stream.shards[0] as Shard;
    this.consumer = new Consumer(this.stream.arn, 'reader', startMs, 0);
    this.stream.consumers.add(this.consumer);
  }

  /** `data` begins with `text`; the key has one byte. */
  append(text: string, bytes = text.length, shard = this.shard): void {
    const data = Buffer.alloc(bytes);
    data.write(text, 'latin1');
    this.stream.append(shard, this.clock.now(), 'k', 1, data, 0, bytes);
  }

  /** From the first record with a counter ≥ `counter` on; takes over from the subscription before. */
  subscribe(counter: number, isSlow = false, shard = this.shard): BareReader {
    const { service, stream, consumer } = this;
    const reader = new BareReader(() => this.clock.now(), isSlow);
    const seat = consumer.seat(shard.id);
    const subject = new Subject('SubscribeToShard', {}, service);
    const subscription = new Subscription({ service, subject, codec: jsonCodec, consumer, seat, stream, shard, counter });
    seat.take(this.clock.now(), subscription);
    subscription.start(reader);
    return reader;
  }

  /** Takes up where an earlier reader was told that it stands. */
  resume(type: 'AT_SEQUENCE_NUMBER' | 'AFTER_SEQUENCE_NUMBER', sequenceNumber: string, isSlow = false, shard = this.shard): BareReader {
    const { service, stream } = this;
    const subject = new Subject('SubscribeToShard', {}, service);
    const call = { ...service, service, subject, input: {}, codec: jsonCodec, latencyMs: () => 0 };
    const position = { type, sequenceNumber, timestampMs: undefined };
    return this.subscribe(counterAt(position, 'SubscribeToShard', stream, shard, call), isSlow, shard);
  }

  /** Moves the clock in steps, so that what waits for a time finds it. */
  async pass(ms: number, stepMs = 10): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) {
      this.clock.advance(stepMs);
      await turn();
    }
  }
}
