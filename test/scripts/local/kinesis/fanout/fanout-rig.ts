import {
  type KinesisClient,
  RegisterStreamConsumerCommand,
  type StartingPosition,
  SubscribeToShardCommand,
  type SubscribeToShardEvent,
  type SubscribeToShardEventStream,
  UpdateShardCountCommand,
} from '@aws-sdk/client-kinesis';
import { type KinesisOptions, startKinesis } from '../../../../../scripts/local/kinesis/server.ts';
import { Clock } from '../../../../../scripts/local/kinesis/store/clock.ts';
import { Rig, startMs, type Transport, textOf } from '../rig.ts';

/** A clock that stands still until a test moves it, and counts what is still due. */
export class CountingClock extends Clock {
  pending = 0;

  constructor() {
    super(() => startMs);
  }

  override at(atMs: number, action: () => void): () => void {
    let due = true;
    const settle = () => {
      if (due) this.pending -= 1;
      due = false;
    };
    this.pending += 1;
    const cancel = super.at(atMs, () => {
      settle();
      action();
    });
    return () => {
      settle();
      cancel();
    };
  }
}

/** One stream `s` of one shard and one consumer on a server whose clock a test moves. */
export class FanoutRig extends Rig {
  declare readonly clock: CountingClock;
  shardId = '';
  consumerArn = '';
  readonly #readers: Reader[] = [];

  static async open(options: Omit<KinesisOptions, 'clock'> & { transport?: Transport } = {}): Promise<FanoutRig> {
    const { transport = 'http2', ...rest } = options;
    const clock = new CountingClock();
    const rig = new FanoutRig(await startKinesis({ ...rest, clock }), clock, transport);
    await rig.create('s', 1);
    clock.advance(rest.statusDelayMs ?? 0);
    rig.shardId = (await rig.shards('s'))[0]?.ShardId ?? '';
    rig.consumerArn = await rig.register('reader');
    return rig;
  }

  get streamArn(): string {
    return 'arn:aws:kinesis:us-east-1:000000000000:stream/s';
  }

  async register(name: string): Promise<string> {
    const answer = await this.client.send(new RegisterStreamConsumerCommand({ StreamARN: this.streamArn, ConsumerName: name }));
    return answer.Consumer?.ConsumerARN ?? '';
  }

  async subscribe(position: StartingPosition, shardId = this.shardId, consumerArn = this.consumerArn): Promise<Reader> {
    const reader = await Reader.open(this.client, consumerArn, shardId, position);
    this.#readers.push(reader);
    return reader;
  }

  override async stop(): Promise<void> {
    for (const reader of this.#readers) await reader.leave();
    await super.stop();
  }

  async reshard(count: number): Promise<void> {
    await this.client.send(new UpdateShardCountCommand({ StreamName: 's', TargetShardCount: count, ScalingType: 'UNIFORM_SCALING' }));
  }
}

/** One subscription through the SDK, event by event. */
export class Reader {
  readonly #events: AsyncIterator<SubscribeToShardEventStream>;
  readonly #abort: AbortController;
  /** Of the last event. */
  continuation: string | undefined;

  private constructor(stream: AsyncIterable<SubscribeToShardEventStream>, abort: AbortController) {
    this.#events = stream[Symbol.asyncIterator]();
    this.#abort = abort;
  }

  static async open(client: KinesisClient, consumerArn: string, shardId: string, position: StartingPosition): Promise<Reader> {
    const abort = new AbortController();
    const command = new SubscribeToShardCommand({ ConsumerARN: consumerArn, ShardId: shardId, StartingPosition: position });
    const { EventStream } = await client.send(command, { abortSignal: abort.signal });
    if (EventStream === undefined) throw new Error('the answer has no event stream');
    return new Reader(EventStream, abort);
  }

  /** Undefined when the stream ended cleanly; throws what it ended with otherwise. */
  async next(): Promise<SubscribeToShardEvent | undefined> {
    const { done, value } = await this.#events.next();
    const event = done === true ? undefined : value.SubscribeToShardEvent;
    this.continuation = event?.ContinuationSequenceNumber;
    return event;
  }

  /** The records of the next events until there are so many. */
  async texts(count: number): Promise<string[]> {
    const found: string[] = [];
    while (found.length < count) {
      const event = await this.next();
      if (event === undefined) throw new Error(`the stream ended after ${found.length} of ${count} records`);
      found.push(...(event.Records ?? []).map(textOf));
    }
    return found;
  }

  /** All events that are left; throws what the stream ends with. */
  async rest(): Promise<SubscribeToShardEvent[]> {
    const found: SubscribeToShardEvent[] = [];
    for (let event = await this.next(); event !== undefined; event = await this.next()) found.push(event);
    return found;
  }

  /** Goes away without a word. */
  async leave(): Promise<void> {
    this.#abort.abort();
    await this.#events.return?.();
  }
}
