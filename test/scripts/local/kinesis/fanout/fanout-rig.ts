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
import { Rig, startMs, type Transport } from '../rig.ts';

/** One stream `s` of one shard and one consumer on a server whose clock a test moves. */
export class FanoutRig extends Rig {
  shardId = '';
  consumerArn = '';

  static async open(options: Omit<KinesisOptions, 'clock'> & { transport?: Transport } = {}): Promise<FanoutRig> {
    const clock = new Clock(() => startMs);
    const { transport = 'http2', ...rest } = options;
    const rig = new FanoutRig(await startKinesis({ ...rest, clock }), clock, transport);
    await rig.create('s', 1);
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
    return subscribe(this.client, consumerArn, shardId, position);
  }

  async reshard(count: number): Promise<void> {
    await this.client.send(new UpdateShardCountCommand({ StreamName: 's', TargetShardCount: count, ScalingType: 'UNIFORM_SCALING' }));
  }
}

export async function subscribe(client: KinesisClient, consumerArn: string, shardId: string, position: StartingPosition): Promise<Reader> {
  const abort = new AbortController();
  const answer = await client.send(
    new SubscribeToShardCommand({ ConsumerARN: consumerArn, ShardId: shardId, StartingPosition: position }),
    { abortSignal: abort.signal },
  );
  if (answer.EventStream === undefined) throw new Error('the answer has no event stream');
  return new Reader(answer.EventStream, abort);
}

/** One subscription, event by event. */
export class Reader {
  readonly #events: AsyncIterator<SubscribeToShardEventStream>;
  readonly #abort: AbortController;

  constructor(stream: AsyncIterable<SubscribeToShardEventStream>, abort: AbortController) {
    this.#events = stream[Symbol.asyncIterator]();
    this.#abort = abort;
  }

  /** Undefined when the stream ended cleanly; throws what it ended with otherwise. */
  async next(): Promise<SubscribeToShardEvent | undefined> {
    const { done, value } = await this.#events.next();
    return done ? undefined : value.SubscribeToShardEvent;
  }

  leave(): void {
    this.#abort.abort();
  }
}
