import { createHash } from 'node:crypto';
import { isAfter, type Position, shardEnd, trimHorizon } from '../../../../services/lib/kcl/position.ts';
import type { StreamRecord } from '../../../../services/lib/kcl/processor.ts';
import type { Shard } from '../../../../services/lib/kcl/shards.ts';
import type { ObjectInfo, ObjectStore } from '../../../../services/lib/objects/object-store.ts';
import { PlatformError } from '../../../../services/lib/process/errors.ts';
import type { Fence } from '../../../../services/lib/state/fence.ts';
import type { StateChange, StateRow } from '../../../../services/lib/state/state-row.ts';
import { changeOf, type Item, rowOf } from '../../../../services/lib/state/state-row-item.ts';
import type { StateTable } from '../../../../services/lib/state/state-table.ts';
import type { StreamReading } from '../../../../services/lib/state/stream-reading.ts';

/**
 * Around each effect on a store. Rejecting `before` it, there is none; rejecting `after` it, the effect is there and its answer is lost.
 * `call`: `table.write`, `objects.create`, …
 */
export type Step = (call: string, when: 'before' | 'after', about: string) => Promise<void> | void;

const noStep: Step = () => {};

async function stepping<T>(step: Step, call: string, about: string, effect: () => T): Promise<T> {
  await step(call, 'before', about);
  const answer = effect();
  await step(call, 'after', about);
  return answer;
}

/** What a store says that is away for a while. */
export const tableAway = (): PlatformError => new PlatformError('TABLE_UNAVAILABLE', 'the table does not answer', { retriable: true });
export const objectsAway = (): PlatformError => new PlatformError('OBJECT_UNAVAILABLE', 'the store does not answer', { retriable: true });

/** State rows and lease rows, for all workers. Rows are kept as the items that DynamoDB would hold, so each read makes a new row. */
export class MemoryRows {
  readonly items = new Map<string, Item>();
  /** Owner by shard. */
  readonly leases = new Map<string, string>();

  row(shardId: string): StateRow | undefined {
    const item = this.items.get(shardId);
    return item === undefined ? undefined : rowOf(item);
  }
}

/** One worker's view of them. */
export class MemoryTable implements StateTable {
  readonly #rows: MemoryRows;
  readonly #worker: string;
  readonly #step: Step;

  constructor(rows: MemoryRows, worker: string, step = noStep) {
    this.#rows = rows;
    this.#worker = worker;
    this.#step = step;
  }

  read(shardId: string): Promise<StateRow | undefined> {
    return stepping(this.#step, 'table.read', shardId, () => this.#rows.row(shardId));
  }

  raiseEpoch(shardId: string, seen: number): Promise<'raised' | 'notOwner' | 'passed'> {
    return stepping(this.#step, 'table.raiseEpoch', shardId, () => {
      if (this.#rows.leases.get(shardId) !== this.#worker) return 'notOwner';
      const item = this.#rows.items.get(shardId);
      if (Number(item?.['epoch']?.N ?? 0) !== seen) return 'passed';
      this.#rows.items.set(shardId, { ...item, shard: { S: shardId }, epoch: { N: String(seen + 1) }, worker: { S: this.#worker } });
      return 'raised';
    });
  }

  ownsLease(shardId: string): Promise<boolean> {
    return stepping(this.#step, 'table.ownsLease', shardId, () => this.#rows.leases.get(shardId) === this.#worker);
  }

  fenceOf(shardId: string, epoch: number): Fence {
    return { shardId, epoch, check: { TableName: 'memory', Key: {}, ConditionExpression: 'epoch = :epoch' } };
  }

  write({ shardId, epoch }: Fence, change: StateChange): Promise<'written' | 'fenced'> {
    return stepping(this.#step, 'table.write', `${shardId} ${Object.keys(change).join(' ')}`, () => {
      const item = this.#rows.items.get(shardId);
      if (item?.['epoch']?.N !== String(epoch)) return 'fenced';
      const { names, values } = changeOf(change);
      const next = { ...item };
      for (const name of Object.values(names)) {
        const value = values[`:${name}`];
        if (value === undefined) delete next[name];
        else next[name] = value;
      }
      this.#rows.items.set(shardId, next);
      return 'written';
    });
  }

  retire(shardId: string): Promise<void> {
    return stepping(this.#step, 'table.retire', shardId, () => {
      const item = this.#rows.items.get(shardId);
      if (item?.['final']?.BOOL !== true) throw new PlatformError('TABLE_UNAVAILABLE', `${shardId} has not ended`);
      this.#rows.items.set(shardId, { ...item, retired: { BOOL: true } });
    });
  }
}

/** Objects in memory, given back as they are: nothing checks that they are what was stored. */
export class MemoryObjects implements ObjectStore {
  readonly bodies: Map<string, Buffer>;
  readonly #step: Step;

  constructor(bodies = new Map<string, Buffer>(), step = noStep) {
    this.bodies = bodies;
    this.#step = step;
  }

  create(key: string, body: Buffer): Promise<'created' | 'exists'> {
    return stepping(this.#step, 'objects.create', key, () => {
      if (this.bodies.has(key)) return 'exists';
      this.bodies.set(key, Buffer.from(body));
      return 'created';
    });
  }

  read(key: string): Promise<Buffer> {
    return stepping(this.#step, 'objects.read', key, () => {
      const body = this.bodies.get(key);
      if (body === undefined) throw new PlatformError('OBJECT_MISSING', `no object ${key}`);
      return Buffer.from(body);
    });
  }

  head(key: string): Promise<(ObjectInfo & { readonly sha256: string }) | undefined> {
    return stepping(this.#step, 'objects.head', key, () => {
      const body = this.bodies.get(key);
      return body && { key, size: body.length, modifiedAtMs: 0, sha256: createHash('sha256').update(body).digest('hex') };
    });
  }

  async *list(prefix: string): AsyncGenerator<ObjectInfo> {
    const keys = await stepping(this.#step, 'objects.list', prefix, () => [...this.bodies.keys()].filter((key) => key.startsWith(prefix)));
    for (const key of keys.sort()) yield { key, size: this.bodies.get(key)?.length ?? 0, modifiedAtMs: 0 };
  }

  delete(key: string): Promise<void> {
    return stepping(this.#step, 'objects.delete', key, () => void this.bodies.delete(key));
  }
}

/** A stream whose records lie at hand, by shard. */
export class MemoryStream implements StreamReading {
  shards: readonly Shard[];
  readonly records: Map<string, StreamRecord[]>;
  untrimmed = true;
  trimmedBefore = Number.NEGATIVE_INFINITY;
  /** By shard: records up to it are older than the retention. */
  readonly trimmed = new Map<string, Position>();
  /** Each read as `shard after upTo`. */
  readonly reads: { readonly shardId: string; readonly after: Position; readonly upTo: Position | 'end' }[] = [];
  readonly #step: Step;

  constructor(shards: readonly Shard[], records = new Map<string, StreamRecord[]>(), step = noStep) {
    this.shards = shards;
    this.records = records;
    this.#step = step;
  }

  listShards(): Promise<readonly Shard[]> {
    return stepping(this.#step, 'stream.listShards', '', () => this.shards);
  }

  async *read({ shardId }: Shard, after: Position, upTo: Position | 'end'): AsyncGenerator<readonly StreamRecord[]> {
    this.reads.push({ shardId, after, upTo });
    const gone = this.trimmed.get(shardId) ?? trimHorizon;
    const trimmed = (): PlatformError => new PlatformError('STREAM_TRIMMED', `records of ${shardId} are older than the retention`);
    // Beginning at the horizon asks for nothing that is gone; beginning after a record asks for that record too.
    if (after !== trimHorizon && !isAfter(after, gone)) throw trimmed();
    const until = upTo === 'end' ? shardEnd : upTo;
    const all = this.records.get(shardId) ?? [];
    const found = all.filter(({ position }) => isAfter(position, after) && isAfter(position, gone) && !isAfter(position, until));
    for (let i = 0; i < found.length; i += 4) yield await stepping(this.#step, 'stream.read', shardId, () => found.slice(i, i + 4));
    if (until !== shardEnd && !isAfter(until, gone)) throw trimmed();
  }
}
