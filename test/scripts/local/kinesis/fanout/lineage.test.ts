import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import type { Shard } from '../../../../../scripts/local/kinesis/store/shard.ts';
import { type BareReader, BareStream } from './bare-subscription.ts';

/** Keys spread over the key space; no shard gets narrower than what one of them needs. */
const hashKeys = Array.from({ length: 8 }, (_, i) => (BigInt(i) * 2n + 1n) * 2n ** 124n);

type Step =
  | { readonly do: 'append'; readonly key: number; readonly records: number; readonly bytes: number }
  | { readonly do: 'split' | 'merge'; readonly pick: number }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'take' }
  /** `keep`: share of the events that the reader had dealt with before it came back. */
  | { readonly do: 'resume'; readonly pick: number; readonly at: boolean; readonly isSlow: boolean; readonly keep: number };

const pick = fc.nat(100);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      key: fc.nat(hashKeys.length - 1),
      records: fc.integer({ min: 1, max: 4 }),
      bytes: fc.constantFrom(16, 600_000), // two of these do not fit into one event
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('split' as const, 'merge' as const), pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(10, 500, 6_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('take' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('resume' as const),
      pick,
      at: fc.boolean(),
      isSlow: fc.boolean(),
      keep: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
);

interface Reading {
  reader: BareReader;
  standsAt: string | undefined;
}

/** Reads a stream by what its events tell alone: a child from its beginning, once all its parents have ended. */
class Follower {
  readonly delivered: string[] = [];
  readonly #stream: BareStream;
  readonly #readings = new Map<string, Reading>();
  readonly #ended = new Set<string>();
  readonly #begun = new Set<string>();

  constructor(stream: BareStream) {
    this.#stream = stream;
    for (const { id } of stream.stream.shards) this.#begin(id);
  }

  /** The shards that it was led to. */
  get seen(): string[] {
    return [...this.#begun].sort();
  }

  /** How many records it has been sent. */
  get sent(): number {
    const waiting = [...this.#readings.values()].flatMap(({ reader }) => reader.pushed.flatMap(({ texts }) => texts));
    return this.delivered.length + waiting.length;
  }

  take(): void {
    for (const { reader } of this.#readings.values()) reader.take();
  }

  /** Breaks a subscription off and takes it up where the last event that was dealt with stands. */
  resume({ pick, at, isSlow, keep }: Step & { readonly do: 'resume' }): void {
    const id = [...this.#readings.keys()][pick % Math.max(1, this.#readings.size)];
    const reading = id === undefined ? undefined : this.#readings.get(id);
    if (id === undefined || reading === undefined || this.#settle(id, reading, keep)) return;
    this.#comeBack(id, reading, at, isSlow);
  }

  #comeBack(id: string, reading: Reading, at: boolean, isSlow: boolean): void {
    const shard = this.#shard(id);
    const { standsAt } = reading;
    const type = at ? 'AT_SEQUENCE_NUMBER' : 'AFTER_SEQUENCE_NUMBER';
    reading.reader = standsAt === undefined ? this.#stream.subscribe(0, isSlow, shard) : this.#stream.resume(type, standsAt, isSlow, shard);
  }

  /** Deals with the ends of shards, so that their children are read too; who took so long that it was cut off comes back. */
  advance(): void {
    for (const [id, reading] of this.#readings) {
      const { pushed, destroyed } = reading.reader;
      if (pushed.at(-1)?.children !== undefined) this.#settle(id, reading, 1);
      else if (destroyed && !this.#settle(id, reading, 1)) this.#comeBack(id, reading, false, false);
    }
  }

  finish(): void {
    for (const [id, reading] of this.#readings) this.#settle(id, reading, 1);
  }

  /** Whether the shard has ended for this reader. */
  #settle(id: string, reading: Reading, keep: number): boolean {
    const events = reading.reader.pushed.slice(0, Math.ceil(reading.reader.pushed.length * keep));
    this.delivered.push(...events.flatMap(({ texts }) => texts));
    const last = events.at(-1);
    reading.standsAt = last?.continuation ?? reading.standsAt;
    if (last?.children === undefined) return false;
    this.#readings.delete(id);
    this.#ended.add(id);
    for (const { ShardId, ParentShards } of last.children) {
      if (ParentShards.every((parent) => this.#ended.has(parent))) this.#begin(ShardId);
    }
    return true;
  }

  #begin(id: string): void {
    assert.ok(!this.#begun.has(id), `${id} begins twice`);
    this.#begun.add(id);
    const isSlow = this.#begun.size % 2 === 0;
    this.#readings.set(id, { reader: this.#stream.subscribe(0, isSlow, this.#shard(id)), standsAt: undefined });
  }

  #shard(id: string): Shard {
    const shard = this.#stream.stream.shard(id);
    assert.ok(shard, id);
    return shard;
  }
}

function reshard({ clock, stream }: BareStream, kind: 'split' | 'merge', pick: number): void {
  const open = stream.openShards();
  const i = pick % open.length;
  const [shard, next] = [open[i], open[i + 1]];
  if (shard === undefined) return;
  const middle = (shard.range.start + shard.range.end) / 2n + 1n;
  if (kind === 'split') {
    if (open.length < hashKeys.length) stream.split(shard, middle, clock.now());
  } else if (next !== undefined) stream.merge(shard, next, clock.now());
}

describe('SubscribeToShard, followed from shards to their children', () => {
  it('delivers each record once, in order per key, over reshards and broken subscriptions', async () => {
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.array(step, { minLength: 1, maxLength: 40 }), async (limits, steps) => {
        const stream = new BareStream(limits);
        const follower = new Follower(stream);
        const appended = hashKeys.map(() => 0);
        for (const one of steps) {
          if (one.do === 'append') {
            const shard = stream.stream.route('', hashKeys[one.key]);
            for (let i = 0; i < one.records; i++) {
              const n = appended[one.key] ?? 0;
              appended[one.key] = n + 1;
              stream.append(`${one.key} ${n}`.padEnd(16), one.bytes, shard);
            }
          } else if (one.do === 'pass') stream.clock.advance(one.ms);
          else if (one.do === 'take') follower.take();
          else if (one.do === 'resume') follower.resume(one);
          else reshard(stream, one.do, one.pick);
          await turn();
          if (one.do === 'pass') follower.advance();
        }
        const all = stream.stream.shards.map(({ id }) => id);
        const total = appended.reduce((sum, count) => sum + count, 0);
        for (let i = 0; i < 300 && (follower.sent < total || follower.seen.length < all.length); i++) {
          follower.take();
          await stream.pass(1_000, 1_000);
          follower.advance();
        }
        follower.finish();
        assert.deepEqual(follower.seen, all);
        for (const [key, count] of appended.entries()) {
          assert.deepEqual(
            follower.delivered.filter((text) => text.startsWith(`${key} `)).map((text) => Number(text.slice(2))),
            Array.from({ length: count }, (_, n) => n),
          );
        }
      }),
      { numRuns: 60 },
    );
  });
});
