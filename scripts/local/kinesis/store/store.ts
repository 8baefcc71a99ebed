import { SlabArena } from './arena.ts';
import { Stream, type StreamMode } from './stream.ts';

export interface StoreOptions {
  readonly accountId: string;
  readonly region: string;
  readonly maxBytes: number;
  readonly now: () => number;
  /** Called for each slab whose records were trimmed at the byte cap. */
  readonly onTrim: () => void;
}

/** All streams of the one account and region that a server stands for. */
export class Store {
  readonly accountId: string;
  readonly region: string;
  readonly now: () => number;
  readonly #arena: SlabArena;
  readonly #streams = new Map<string, Stream>();
  #incarnations = 0;

  constructor(options: StoreOptions) {
    this.accountId = options.accountId;
    this.region = options.region;
    this.now = options.now;
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
    const stream = new Stream({ name, arn, incarnation: ++this.#incarnations, mode, shardCount, nowMs: this.now() }, this.#arena);
    this.#streams.set(name, stream);
    return stream;
  }

  delete(stream: Stream): void {
    this.#streams.delete(stream.name);
    stream.release();
  }

  openShardCount(): number {
    return [...this.#streams.values()].reduce((sum, stream) => sum + stream.openShards().length, 0);
  }
}
