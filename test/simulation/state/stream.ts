import { isAfter, type Position, position, shardEnd, trimHorizon } from '../../../services/lib/kcl/position.ts';
import type { StreamRecord } from '../../../services/lib/kcl/processor.ts';
import { hashKeyOf, inRange, type Shard } from '../../../services/lib/kcl/shards.ts';
import { PlatformError } from '../../../services/lib/process/errors.ts';
import type { StreamReading } from '../../../services/lib/state/stream-reading.ts';
import type { Actor } from '../scheduler.ts';
import { type RunContext, streamAway } from './run-context.ts';

export interface SimShard extends Shard {
  closed: boolean;
  /** Records from here on are its children's. */
  closedAt: Position;
  readonly records: StreamRecord[];
  /** All up to it are older than the retention. */
  trimmedTo: Position;
  /** Not listed any more. */
  expired: boolean;
}

const whole = { start: 0n, end: 2n ** 128n - 1n };
const pollMs = 200;

/** A Kinesis stream: shards with their lineage, records in aggregates or alone. */
export class SimStream {
  readonly shards: SimShard[] = [];
  /** Records may have left it. */
  trimmed = false;
  readonly #run: RunContext;
  #sequence = 0;

  constructor(run: RunContext, shards: number) {
    this.#run = run;
    const size = (whole.end + 1n) / BigInt(shards);
    for (let i = 0n; i < BigInt(shards); i++) {
      this.#add([], { start: i * size, end: i === BigInt(shards) - 1n ? whole.end : (i + 1n) * size - 1n });
    }
  }

  get open(): readonly SimShard[] {
    return this.shards.filter(({ closed }) => !closed);
  }

  shard(shardId: string): SimShard {
    const found = this.shards.find((shard) => shard.shardId === shardId);
    if (found === undefined) throw new Error(`no shard ${shardId}`);
    return found;
  }

  shardFor(key: string): SimShard {
    const hash = hashKeyOf(key);
    const found = this.open.find(({ range }) => inRange(hash, range));
    if (found === undefined) throw new Error(`no open shard for ${key}`);
    return found;
  }

  /** As one aggregate if there are several; all keys must lie on one shard. */
  put(shard: SimShard, events: readonly { readonly key: string; readonly data: Buffer }[]): readonly StreamRecord[] {
    const sequence = this.#next();
    const records = events.map(({ key, data }, sub) => ({
      data,
      partitionKey: key,
      sequenceNumber: sequence,
      subSequenceNumber: sub,
      position: position(sequence, sub),
      approximateArrivalTimestamp: this.#run.scheduler.now,
    }));
    shard.records.push(...records);
    return records;
  }

  split(shard: SimShard): readonly SimShard[] {
    const { start, end } = shard.range;
    const middle = start + (end - start) / 2n;
    this.#close(shard);
    return [this.#add([shard.shardId], { start, end: middle }), this.#add([shard.shardId], { start: middle + 1n, end })];
  }

  merge(a: SimShard, b: SimShard): SimShard {
    this.#close(a);
    this.#close(b);
    const start = a.range.start < b.range.start ? a.range.start : b.range.start;
    const end = a.range.end > b.range.end ? a.range.end : b.range.end;
    return this.#add([a.shardId, b.shardId], { start, end });
  }

  /**
   * Sequence numbers rise with time over all shards: what is before `to` is older than the retention, and so are shards that ended then.
   * From here on that can be known; `trim` does it.
   */
  announceTrim(to: Position): void {
    for (const shard of this.shards) shard.expired ||= !isAfter(shard.closedAt, to);
    this.trimmed = true;
  }

  trim(to: Position): void {
    for (const shard of this.shards) {
      // An aggregate goes as a whole.
      const kept = shard.records.find((record) => isAfter(record.position, to))?.sequenceNumber;
      const last = shard.records.findLast((record) => !isAfter(record.position, to) && record.sequenceNumber !== kept);
      if (last !== undefined) shard.trimmedTo = last.position;
    }
  }

  listed(): Shard[] {
    return this.shards
      .filter(({ expired }) => !expired)
      .map(({ shardId, parents, range, startingSequenceNumber, closed }) => ({ shardId, parents, range, startingSequenceNumber, closed }));
  }

  /** What a process sees of it; as services/lib/kcl/shard-reader.ts does. */
  readingOf(actor: Actor): StreamReading {
    const isTrimmed = (): boolean => this.trimmed;
    const keptSince = (): number => this.#keptSince();
    return {
      listShards: () => this.#run.ask(actor, 'list shards', streamAway, () => this.listed()),
      read: ({ shardId }, after, upTo) => this.#read(actor, this.shard(shardId), after, upTo),
      get untrimmed() {
        return !isTrimmed();
      },
      get trimmedBefore() {
        return keptSince();
      },
    };
  }

  /** Records come in the order of their sequence numbers over all shards. */
  #keptSince(): number {
    const arrivals = this.shards.flatMap(({ records, trimmedTo }) => records.find(({ position: p }) => isAfter(p, trimmedTo)) ?? []);
    return Math.min(this.#run.scheduler.now, ...arrivals.map(({ approximateArrivalTimestamp: arrival }) => arrival));
  }

  async *#read(actor: Actor, shard: SimShard, after: Position, upTo: Position | 'end'): AsyncGenerator<StreamRecord[]> {
    const to = upTo === shardEnd ? 'end' : upTo;
    if (after === shardEnd || (to !== 'end' && !isAfter(to, after))) return;
    const trimmed = (at: Position): void => {
      if (at === trimHorizon || isAfter(at, shard.trimmedTo)) return;
      throw new PlatformError('STREAM_TRIMMED', `${shard.shardId}: ${at} is older than the retention`);
    };
    for (let at = after; ; ) {
      const { records, done } = await this.#run.ask(actor, 'get records', streamAway, () => {
        trimmed(at === after ? after : trimHorizon);
        if (to !== 'end') trimmed(to);
        const rest = shard.records.filter(
          ({ position: p }) => isAfter(p, at) && isAfter(p, shard.trimmedTo) && (to === 'end' || !isAfter(p, to)),
        );
        const some = rest.slice(0, 1 + this.#run.int(8));
        return { records: some, done: some.length === rest.length && (to !== 'end' || shard.closed) };
      });
      at = records.at(-1)?.position ?? at;
      if (records.length > 0) yield records;
      if (done) return;
      if (records.length === 0) await this.#run.scheduler.sleep(actor, pollMs);
    }
  }

  #add(parents: readonly string[], range: { start: bigint; end: bigint }): SimShard {
    const shard: SimShard = {
      shardId: `shardId-${String(this.shards.length).padStart(12, '0')}`,
      parents,
      range,
      startingSequenceNumber: this.#next(),
      closed: false,
      closedAt: shardEnd,
      records: [],
      trimmedTo: trimHorizon,
      expired: false,
    };
    this.shards.push(shard);
    return shard;
  }

  #close(shard: SimShard): void {
    shard.closed = true;
    shard.closedAt = position(this.#next());
  }

  #next(): string {
    this.#sequence += 1 + this.#run.int(3);
    return String(this.#sequence);
  }
}
