/**
 * Sequence numbers in the look of AWS: 56 digits beginning with 49, which are 186 bits, most significant first:
 *
 *   2 (version) · 36 bits incarnation of the stream (StreamBirth) · 4 bits 0 · 64 bits counter · 43 bits 0 · 1 bit "behind" · 32 bits shard index · 4 bits 2
 *
 * One counter serves all shards of a stream and is used up at records and at the ends of shards, so numbers rise across the
 * stream and a child begins beyond its parents' end. Counters stay under 2^53. A number with the "behind" bit belongs to no record:
 * it lies just behind the record of its counter, so that reading AT it and AFTER it are the same.
 */
const versionShift = 184n;
const incarnationShift = 148n;
const counterShift = 80n;
const behindBit = 1n << 36n;
const shardShift = 4n;
const tail = 2n;
const mask = (bits: bigint): bigint => (1n << bits) - 1n;

export interface DecodedSequence {
  readonly shardIndex: number;
  readonly counter: number;
  readonly behind: boolean;
}

export class SequenceNumbers {
  readonly #base: bigint;

  /** `incarnation`: see StreamBirth. */
  constructor(incarnation: number) {
    this.#base = (2n << versionShift) | ((BigInt(incarnation) & mask(36n)) << incarnationShift) | tail;
  }

  /** What is added for every record of a shard; kept by the shard, since it is needed for each of its records. */
  ofShard(shardIndex: number): bigint {
    return this.#base + (BigInt(shardIndex) << shardShift);
  }

  /** Undefined when the number was not issued by this stream. */
  decode(text: string): DecodedSequence | undefined {
    const rest = BigInt(text) - this.#base;
    if (rest < 0n) return undefined;
    const shard = (rest >> shardShift) & mask(32n);
    const counter = rest >> counterShift;
    const flag = rest - (counter << counterShift) - (shard << shardShift);
    if ((flag !== 0n && flag !== behindBit) || counter > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
    return { shardIndex: Number(shard), counter: Number(counter), behind: flag !== 0n };
  }
}

/** The decimal text of a counter on the shard that `ofShard` describes. */
export function sequenceText(ofShard: bigint, counter: number): string {
  return (ofShard + (BigInt(counter) << counterShift)).toString();
}

/** The number just behind a counter's, where the next subscription goes on: no record has it, so none is lost or repeated there. */
export function sequenceTextBehind(ofShard: bigint, counter: number): string {
  return (ofShard + (BigInt(counter) << counterShift) + behindBit).toString();
}
