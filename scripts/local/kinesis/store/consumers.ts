import { Seat } from './consumer-seat.ts';

export type ConsumerStatus = 'CREATING' | 'ACTIVE' | 'DELETING';

/** One registered reader of a stream with a throughput of its own on every shard. */
export class Consumer {
  readonly name: string;
  readonly arn: string;
  readonly createdAtMs: number;
  readonly tags = new Map<string, string>();
  readonly #activeAtMs: number;
  #goneAtMs = Number.POSITIVE_INFINITY;
  readonly #seats = new Map<string, Seat>();

  /** `creationMs`: how long it stays CREATING. */
  constructor(streamArn: string, name: string, nowMs: number, creationMs: number) {
    this.name = name;
    this.createdAtMs = nowMs;
    this.arn = `${streamArn}/consumer/${name}:${this.createdAtS}`;
    this.#activeAtMs = nowMs + creationMs;
  }

  /** Epoch seconds: what tells it from an earlier consumer of the same name. */
  get createdAtS(): number {
    return Math.floor(this.createdAtMs / 1_000);
  }

  status(nowMs: number): ConsumerStatus {
    if (this.#goneAtMs !== Number.POSITIVE_INFINITY) return 'DELETING';
    return nowMs < this.#activeAtMs ? 'CREATING' : 'ACTIVE';
  }

  isGone(nowMs: number): boolean {
    return nowMs >= this.#goneAtMs;
  }

  /** Where it reads a shard. */
  seat(shardId: string): Seat {
    let seat = this.#seats.get(shardId);
    if (seat === undefined) this.#seats.set(shardId, (seat = new Seat()));
    return seat;
  }

  /** Ends its subscriptions at once; it can be seen as DELETING until `goneAtMs`. */
  delete(goneAtMs: number): void {
    this.#goneAtMs = Math.min(this.#goneAtMs, goneAtMs);
    for (const seat of this.#seats.values()) seat.vacate('consumer-deleted');
  }

  /** The shard is gone. */
  forget(shardId: string): void {
    this.#seats.delete(shardId);
  }

  vacate(): void {
    for (const seat of this.#seats.values()) seat.vacate('stream-deleted');
  }
}

/** The consumers of one stream. */
export class Consumers {
  readonly #byName = new Map<string, Consumer>();

  /** In order of their names. */
  list(nowMs: number): Consumer[] {
    for (const consumer of this.#byName.values()) if (consumer.isGone(nowMs)) this.#byName.delete(consumer.name);
    return [...this.#byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The name must be free. */
  add(consumer: Consumer): void {
    this.#byName.set(consumer.name, consumer);
  }

  /** A shard of the stream is gone. */
  forget(shardId: string): void {
    for (const consumer of this.#byName.values()) consumer.forget(shardId);
  }

  /** The stream is deleted: every subscription ends. */
  release(): void {
    for (const consumer of this.#byName.values()) consumer.vacate();
    this.#byName.clear();
  }
}
