import type { SlabArena } from './arena.ts';
import { Consumers } from './consumers.ts';
import { type HashRange, HashRouter, uniformRanges } from './hash-ranges.ts';
import { nextReshardStep } from './reshard-plan.ts';
import { type DecodedSequence, SequenceNumbers } from './sequence.ts';
import { Shard } from './shard.ts';

export type StreamMode = 'PROVISIONED' | 'ON_DEMAND';

export interface StreamBirth {
  readonly name: string;
  readonly arn: string;
  /** Tells a stream from an earlier one of the same name. */
  readonly incarnation: number;
  readonly mode: StreamMode;
  readonly shardCount: number;
  readonly nowMs: number;
}

/** One stream: its shards, open and closed, and the counter that orders everything in it. */
export class Stream {
  readonly name: string;
  readonly arn: string;
  readonly incarnation: number;
  readonly mode: StreamMode;
  readonly createdAtMs: number;
  readonly consumers = new Consumers();
  readonly #arena: SlabArena;
  readonly #sequences: SequenceNumbers;
  /** In order of their ids. */
  readonly #shards: Shard[] = [];
  readonly #byId = new Map<string, Shard>();
  #router: HashRouter<Shard>;
  #counter = 0;

  constructor(birth: StreamBirth, arena: SlabArena) {
    this.name = birth.name;
    this.arn = birth.arn;
    this.incarnation = birth.incarnation;
    this.mode = birth.mode;
    this.createdAtMs = birth.nowMs;
    this.#arena = arena;
    this.#sequences = new SequenceNumbers(birth.nowMs);
    for (const range of uniformRanges(birth.shardCount)) this.#addShard(range, [], birth.nowMs);
    this.#router = new HashRouter(this.openShards());
  }

  get shards(): readonly Shard[] {
    return this.#shards;
  }

  /** Counter that the next record gets; a LATEST iterator stands there. */
  get nextCounter(): number {
    return this.#counter;
  }

  shard(id: string): Shard | undefined {
    return this.#byId.get(id);
  }

  /** In hash order. */
  openShards(): Shard[] {
    return this.#shards.filter(({ end }) => end === undefined).sort((a, b) => (a.range.start < b.range.start ? -1 : 1));
  }

  /** The open shard of a partition key or, when given, of an explicit hash key. */
  route(partitionKey: string, explicitHashKey: bigint | undefined): Shard {
    return explicitHashKey === undefined ? this.#router.byPartitionKey(partitionKey) : this.#router.byHashKey(explicitHashKey);
  }

  /** Appends data[start, end) and returns the record's counter. */
  append(shard: Shard, nowMs: number, key: string, keyBytes: number, data: Buffer, start: number, end: number): number {
    const counter = this.#counter++;
    shard.append(counter, nowMs, key, keyBytes, data, start, end);
    return counter;
  }

  decodeSequence(text: string): DecodedSequence | undefined {
    return this.#sequences.decode(text);
  }

  /** Splits and merges until `count` shards of equal range are open. */
  reshard(count: number, nowMs: number): void {
    const target = uniformRanges(count);
    for (let step = nextReshardStep(this.openShards(), target); step; step = nextReshardStep(this.openShards(), target)) {
      if (step.kind === 'split') this.#split(step.shard, step.at, nowMs);
      else this.#merge(step.left, step.right, nowMs);
    }
    this.#router = new HashRouter(this.openShards());
  }

  release(): void {
    this.consumers.release();
    for (const shard of this.#shards) shard.log.release();
  }

  #split(parent: Shard, at: bigint, nowMs: number): void {
    parent.close(this.#counter++, nowMs);
    this.#addShard({ start: parent.range.start, end: at - 1n }, [parent], nowMs);
    this.#addShard({ start: at, end: parent.range.end }, [parent], nowMs);
  }

  #merge(left: Shard, right: Shard, nowMs: number): void {
    left.close(this.#counter++, nowMs);
    right.close(this.#counter++, nowMs);
    this.#addShard({ start: left.range.start, end: right.range.end }, [left, right], nowMs);
  }

  #addShard(range: HashRange, parents: readonly Shard[], startedAtMs: number): void {
    const index = this.#shards.length;
    const birth = { index, range, parents, startCounter: this.#counter++, startedAtMs, sequenceBase: this.#sequences.ofShard(index) };
    const shard = new Shard(birth, this.#arena);
    this.#shards.push(shard);
    this.#byId.set(shard.id, shard);
  }
}
