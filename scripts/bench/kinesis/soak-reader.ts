import { type KinesisClient, type StartingPosition, SubscribeToShardCommand, type SubscribeToShardEvent } from '@aws-sdk/client-kinesis';

/** One consumer of one shard, subscribed anew each time AWS ends the subscription. */
export class SoakReader {
  readonly shardId: string;
  readonly #client: KinesisClient;
  readonly #consumerArn: string;
  /** Records in the order of their counters so far, of which none was missed and none came twice. */
  received = 0;
  renewals = 0;
  /** Set when a record came out of its turn, or the subscription could not be renewed. */
  failure: Error | undefined;

  constructor(client: KinesisClient, consumerArn: string, shardId: string) {
    this.#client = client;
    this.#consumerArn = consumerArn;
    this.shardId = shardId;
  }

  /** Reads until the signal; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    let position: StartingPosition = { Type: 'LATEST' };
    while (!signal.aborted && this.failure === undefined) {
      try {
        const input = { ConsumerARN: this.#consumerArn, ShardId: this.shardId, StartingPosition: position };
        const { EventStream } = await this.#client.send(new SubscribeToShardCommand(input), { abortSignal: signal });
        for await (const { SubscribeToShardEvent: event } of EventStream ?? []) {
          if (event === undefined) continue;
          this.#take(event);
          position = { Type: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: event.ContinuationSequenceNumber };
        }
        if (!signal.aborted) this.renewals += 1;
      } catch (error) {
        if (!signal.aborted) this.failure = error as Error;
      }
    }
  }

  #take({ Records = [] }: SubscribeToShardEvent): void {
    for (const { Data } of Records) {
      const number = Buffer.from(Data ?? []).readUInt32BE(0);
      if (number !== this.received) throw new Error(`${this.shardId}: record ${number} came where ${this.received} was due`);
      this.received += 1;
    }
  }
}
