import {
  DescribeStreamConsumerCommand,
  RegisterStreamConsumerCommand,
  type StartingPosition,
  SubscribeToShardCommand,
  type SubscribeToShardEvent,
} from '@aws-sdk/client-kinesis';
import type { Context } from './context.ts';

/** Short, so that a clock does not run ahead of what is pushed. */
const lookMs = 20;

/** Registers a consumer and waits until it is ACTIVE; answers its ARN. */
export async function activeConsumer(context: Context, StreamARN: string, ConsumerName = 'consumer'): Promise<string> {
  const { Consumer } = await context.send(new RegisterStreamConsumerCommand({ StreamARN, ConsumerName }));
  const ConsumerARN = Consumer?.ConsumerARN ?? '';
  return context.until(`the consumer ${ConsumerName} is ACTIVE`, async () => {
    const { ConsumerDescription } = await context.send(new DescribeStreamConsumerCommand({ ConsumerARN }));
    return ConsumerDescription?.ConsumerStatus === 'ACTIVE' ? ConsumerARN : undefined;
  });
}

/** One SubscribeToShard under way. Its events are collected from the start, so that a check may look at them in any order. */
export class Subscription {
  readonly events: SubscribeToShardEvent[] = [];
  /** Set once the stream of events has ended: undefined inside when it ended without an error. */
  ended: { readonly error: Error | undefined } | undefined;
  readonly #context: Context;
  readonly #iterator: AsyncIterator<{ SubscribeToShardEvent?: SubscribeToShardEvent | undefined }>;

  private constructor(context: Context, stream: AsyncIterable<{ SubscribeToShardEvent?: SubscribeToShardEvent | undefined }>) {
    this.#context = context;
    this.#iterator = stream[Symbol.asyncIterator]();
    void this.#collect();
  }

  static async start(
    context: Context,
    ConsumerARN: string,
    ShardId: string,
    StartingPosition: StartingPosition = { Type: 'TRIM_HORIZON' },
  ): Promise<Subscription> {
    const { EventStream } = await context.send(new SubscribeToShardCommand({ ConsumerARN, ShardId, StartingPosition }));
    if (EventStream === undefined) throw new Error('SubscribeToShard answered no stream of events');
    return new Subscription(context, EventStream);
  }

  /** Waits until what has been received answers the question. */
  until<T>(what: string, look: () => T | undefined): Promise<T> {
    return this.#context.until(what, async () => look(), lookMs);
  }

  /** Data of all records received, as text. */
  texts(): string[] {
    return this.events.flatMap(({ Records = [] }) => Records.map(({ Data }) => Buffer.from(Data ?? []).toString()));
  }

  /** Waits for so many records. */
  async receive(count: number): Promise<string[]> {
    return this.until(`${count} records are pushed`, () => {
      if (this.ended !== undefined && this.texts().length < count) throw this.ended.error ?? new Error('the subscription ended early');
      return this.texts().length >= count ? this.texts() : undefined;
    });
  }

  /** Waits for the end of the stream of events. */
  end(): Promise<{ readonly error: Error | undefined }> {
    return this.until('the subscription ends', () => this.ended);
  }

  async #collect(): Promise<void> {
    try {
      for (;;) {
        const { done, value } = await this.#iterator.next();
        if (done) break;
        if (value.SubscribeToShardEvent !== undefined) this.events.push(value.SubscribeToShardEvent);
      }
      this.ended = { error: undefined };
    } catch (error) {
      this.ended = { error: error as Error };
    }
  }
}
