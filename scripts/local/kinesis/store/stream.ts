import type { SlabArena } from './arena.ts';
import { Consumers } from './consumers.ts';
import { type HashRange, HashRouter, uniformRanges } from './hash-ranges.ts';
import { nextReshardStep } from './reshard-plan.ts';
import { Retention } from './retention.ts';
import { type DecodedSequence, SequenceNumbers } from './sequence.ts';
import { Shard } from './shard.ts';

export type StreamMode = 'PROVISIONED' | 'ON_DEMAND';
export type StreamStatus = 'CREATING' | 'ACTIVE' | 'UPDATING' | 'DELETING';

export interface StreamBirth {
  readonly name: string;
  readonly arn: string;
  /**
   * Tells a stream from an earlier one of the same name, in tokens and sequence numbers: epoch s of its creation, or later where
   * another stream was created in the same second.
   */
  readonly incarnation: number;
  readonly mode: StreamMode;
  readonly shardCount: number;
  /** Epoch ms. */
  readonly now: () => number;
}

/** One stream: its shards, open and closed, and the counter that orders everything in it. */
export class Stream {
  readonly name: string;
  readonly arn: string;
  readonly incarnation: number;
  readonly mode: StreamMode;
  readonly createdAtMs: number;
  readonly retention: Retention;
  readonly tags = new Map<string, string>();
  /** When UpdateShardCount was accepted, epoch ms, oldest first. */
  readonly shardCountUpdates: number[] = [];
  status: StreamStatus = 'ACTIVE';
  readonly consumers = new Consumers();
  readonly #arena: SlabArena;
  readonly #sequences: SequenceNumbers;
  /** In order of their ids. */
  #shards: Shard[] = [];
  readonly #byId = new Map<string, Shard>();
  #router: HashRouter<Shard>;
  #nextIndex = 0;
  #counter = 0;
  /** No closed shard ended before. */
  #oldestEndMs = Number.POSITIVE_INFINITY;

  constructor(birth: StreamBirth, arena: SlabArena) {
    this.name = birth.name;
    this.arn = birth.arn;
    this.incarnation = birth.incarnation;
    this.mode = birth.mode;
    this.createdAtMs = birth.now();
    this.retention = new Retention(birth.now);
    this.#arena = arena;
    this.#sequences = new SequenceNumbers(birth.incarnation);
    for (const range of uniformRanges(birth.shardCount)) this.#addShard(range, [], this.createdAtMs);
    this.#router = new HashRouter(this.openShards());
  }

  /** Open shards, and closed ones that retention has not passed yet; none while the stream is being created. */
  get shards(): readonly Shard[] {
    this.#forgetExpired();
    return this.status === 'CREATING' ? [] : this.#shards;
  }

  /** Counter that the next record gets; a LATEST iterator stands there. */
  get nextCounter(): number {
    return this.#counter;
  }

  shard(id: string): Shard | undefined {
    this.#forgetExpired();
    return this.status === 'CREATING' ? undefined : this.#byId.get(id);
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

  split(shard: Shard, at: bigint, nowMs: number): void {
    this.#split(shard, at, nowMs);
    this.#router = new HashRouter(this.openShards());
  }

  merge(left: Shard, right: Shard, nowMs: number): void {
    this.#merge(left, right, nowMs);
    this.#router = new HashRouter(this.openShards());
  }

  /** Gives the memory of expired records and shards back, which otherwise waits for someone to ask for them. */
  trim(): void {
    for (const shard of this.shards) shard.log.trim();
  }

  release(): void {
    this.consumers.release();
    for (const shard of this.#shards) shard.log.release();
  }

  #split(parent: Shard, at: bigint, nowMs: number): void {
    const atMs = this.#close([parent], nowMs);
    this.#addShard({ start: parent.range.start, end: at - 1n }, [parent], atMs);
    this.#addShard({ start: at, end: parent.range.end }, [parent], atMs);
  }

  #merge(left: Shard, right: Shard, nowMs: number): void {
    const atMs = this.#close([left, right], nowMs);
    this.#addShard({ start: left.range.start, end: right.range.end }, [left, right], atMs);
  }

  /** Ends them at one time, at which their children begin: the shards of any time must tile the key space, also when clocks are skewed. */
  #close(parents: readonly Shard[], nowMs: number): number {
    const atMs = Math.max(nowMs, ...parents.map(({ earliestEndMs }) => earliestEndMs));
    for (const parent of parents) parent.close(this.#counter++, atMs);
    this.#oldestEndMs = Math.min(this.#oldestEndMs, atMs);
    return atMs;
  }

  #forgetExpired(): void {
    const horizonMs = this.retention.horizonMs();
    if (this.#oldestEndMs >= horizonMs) return;
    const expired = this.#shards.filter(({ end }) => end !== undefined && end.atMs < horizonMs);
    for (const shard of expired) {
      this.#byId.delete(shard.id);
      this.consumers.forget(shard.id);
      shard.log.release();
    }
    this.#shards = this.#shards.filter(({ id }) => this.#byId.has(id));
    this.#oldestEndMs = this.#shards.reduce((oldest, { end }) => Math.min(oldest, end?.atMs ?? oldest), Number.POSITIVE_INFINITY);
  }

  #addShard(range: HashRange, parents: readonly Shard[], startedAtMs: number): void {
    const index = this.#nextIndex++;
    const birth = { index, range, parents, startCounter: this.#counter++, startedAtMs, sequenceBase: this.#sequences.ofShard(index) };
    const shard = new Shard(birth, this.#arena, () => this.retention.horizonMs());
    this.#shards.push(shard);
    this.#byId.set(shard.id, shard);
  }
}
