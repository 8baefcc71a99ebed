import { SlabArena } from './arena.ts';
import { CallRates } from './call-limits.ts';
import type { Clock } from './clock.ts';
import { Stream, type StreamMode } from './stream.ts';

export interface StoreOptions {
  readonly accountId: string;
  readonly region: string;
  readonly maxBytes: number;
  readonly clock: Clock;
  /** Called for each slab whose records were trimmed at the byte cap. */
  readonly onTrim: () => void;
}

/** Between two looks for records and shards that have expired unasked: soon beside a retention of hours. */
const sweepMs = 60_000;

/** All streams of the one account and region that a server stands for. */
export class Store {
  readonly accountId: string;
  readonly region: string;
  readonly now: () => number;
  readonly callRates = new CallRates();
  readonly #clock: Clock;
  readonly #arena: SlabArena;
  readonly #streams = new Map<string, Stream>();
  #incarnation = 0;
  #sweeping = false;

  constructor(options: StoreOptions) {
    this.accountId = options.accountId;
    this.region = options.region;
    this.#clock = options.clock;
    this.now = () => options.clock.now();
    this.#arena = new SlabArena(options.maxBytes, options.onTrim);
  }

  get(name: string): Stream | undefined {
    return this.#streams.get(name);
  }

  /** In order of their names, as ListStreams answers them. */
  list(): Stream[] {
    return [...this.#streams.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The name must be free. */
  create(name: string, mode: StreamMode, shardCount: number): Stream {
    const arn = `arn:aws:kinesis:${this.region}:${this.accountId}:stream/${name}`;
    this.#incarnation = Math.max(this.#incarnation + 1, Math.floor(this.now() / 1_000));
    const stream = new Stream({ name, arn, incarnation: this.#incarnation, mode, shardCount, now: this.now }, this.#arena);
    this.#streams.set(name, stream);
    this.#sweepLater();
    return stream;
  }

  delete(stream: Stream): void {
    this.#streams.delete(stream.name);
    stream.release();
  }

  openShardCount(): number {
    return [...this.#streams.values()].reduce((sum, stream) => sum + stream.openShards().length, 0);
  }

  #sweepLater(): void {
    if (this.#sweeping) return;
    this.#sweeping = true;
    this.#clock.after(sweepMs, () => {
      this.#sweeping = false;
      for (const stream of this.#streams.values()) stream.trim();
      if (this.#streams.size > 0) this.#sweepLater();
    });
  }
}
