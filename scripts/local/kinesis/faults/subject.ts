import { maxEntries } from '../operations/put.ts';
import { type Input, isStructure } from '../protocol/input.ts';
import type { Tokens } from '../protocol/tokens.ts';
import type { Shard } from '../store/shard.ts';
import type { Store } from '../store/store.ts';

/** What a fault's matchers look at. */
export interface Target {
  readonly stream: string | undefined;
  readonly consumer: string | undefined;
  touches(shardId: string): boolean;
}

const streamInArn = /:stream\/([a-zA-Z0-9_.-]+)/;
const consumerInArn = /\/consumer\/([a-zA-Z0-9_.-]+)/;
const hashKeyPattern = /^\d{1,39}$/;

/** What a request is about, read from unchecked input: nothing in it throws. Worked out only as far as it is asked for. */
export class Subject implements Target {
  readonly operation: string;
  readonly #input: Input;
  readonly #store: Store;
  readonly #tokens: Tokens;
  #records: Map<Shard, number> | undefined;
  #token: { readonly name?: unknown; readonly shardId?: unknown } | undefined;

  constructor(operation: string, input: Input, { store, tokens }: { readonly store: Store; readonly tokens: Tokens }) {
    this.operation = operation;
    this.#input = input;
    this.#store = store;
    this.#tokens = tokens;
  }

  get accountId(): string {
    return this.#store.accountId;
  }

  get stream(): string | undefined {
    const arn = this.#text('StreamARN') ?? this.#text('ConsumerARN') ?? this.#text('ResourceARN') ?? '';
    const named = this.#text('StreamName') ?? streamInArn.exec(arn)?.[1];
    const { name } = named === undefined ? this.#opened() : {};
    return named ?? (typeof name === 'string' ? name : undefined);
  }

  get streamExists(): boolean {
    return this.#store.get(this.stream ?? '') !== undefined;
  }

  get consumer(): string | undefined {
    return this.#text('ConsumerName') ?? consumerInArn.exec(this.#text('ConsumerARN') ?? '')?.[1];
  }

  touches(shardId: string): boolean {
    for (const member of ['ShardId', 'ShardToSplit', 'ShardToMerge', 'AdjacentShardToMerge']) {
      if (this.#text(member) === shardId) return true;
    }
    if (this.#opened().shardId === shardId) return true;
    return [...this.records().keys()].some(({ id }) => id === shardId);
  }

  /** How many records of a put are for which shard, as far as they are well-formed; of those beyond what a put may have, none. */
  records(): ReadonlyMap<Shard, number> {
    this.#records ??= this.#counted();
    return this.#records;
  }

  /** The shard of a read. */
  get readShard(): Shard | undefined {
    const { shardId } = this.#opened();
    return typeof shardId === 'string' ? this.#store.get(this.stream ?? '')?.shard(shardId) : undefined;
  }

  #counted(): Map<Shard, number> {
    const counts = new Map<Shard, number>();
    const stream = this.#store.get(this.stream ?? '');
    const { Records: records } = this.#input;
    const entries: readonly unknown[] =
      this.operation === 'PutRecords' && Array.isArray(records) ? records.slice(0, maxEntries) : [this.#input];
    if (stream === undefined || !this.operation.startsWith('PutRecord')) return counts;
    for (const entry of entries) {
      if (!isStructure(entry)) continue;
      const { PartitionKey: key, ExplicitHashKey: hashKey } = entry;
      if (typeof key !== 'string') continue;
      const explicit = typeof hashKey === 'string' && hashKeyPattern.test(hashKey) ? BigInt(hashKey) : undefined;
      const shard = stream.route(key, explicit);
      counts.set(shard, (counts.get(shard) ?? 0) + 1);
    }
    return counts;
  }

  #opened(): { readonly name?: unknown; readonly shardId?: unknown } {
    if (this.#token !== undefined) return this.#token;
    const isRead = this.operation === 'GetRecords';
    const text = this.#text(isRead ? 'ShardIterator' : 'NextToken');
    const opened = text === undefined ? undefined : this.#tokens.open(isRead ? 'ShardIterator' : this.operation, text);
    this.#token = typeof opened === 'object' && opened !== null ? opened : {};
    return this.#token;
  }

  #text(member: string): string | undefined {
    const value = this.#input[member];
    return typeof value === 'string' ? value : undefined;
  }
}
