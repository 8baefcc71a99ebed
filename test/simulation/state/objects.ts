import { gunzipSync, gzipSync } from 'node:zlib';
import type { ObjectStore } from '../../../services/lib/objects/object-store.ts';
import { PlatformError } from '../../../services/lib/process/errors.ts';
import type { PartCodec } from '../../../services/lib/state/snapshot-objects.ts';
import type { SnapshotRef, StateRow } from '../../../services/lib/state/state-row.ts';
import { MemoryStore } from '../../services/redshift-loader/memory.ts';
import type { Process } from './process.ts';
import { type RunContext, storeAway } from './run-context.ts';

/** Without a thread pool: a replay must not depend on the machine. */
export const steadyGzip: PartCodec = {
  compress: async (raw) => gzipSync(raw, { level: 1 }),
  decompress: async (body, maxOutputLength) => gunzipSync(body, { maxOutputLength }),
};

export type Damage = 'flipped' | 'cut off' | 'gone' | 'refused';
const damages: readonly Damage[] = ['flipped', 'cut off', 'gone', 'refused'];

/** An object store whose objects rot, and that knows what must not be deleted. */
export class SimObjects {
  readonly memory = new MemoryStore();
  /** By key. */
  readonly #rotten = new Map<string, Damage>();
  /** Snapshots that a process could not read, by its actor's name. */
  readonly #failed = new Map<string, Set<string>>();
  /** Objects that were read whole since they were made, by the reader's name. */
  readonly #readBack = new Map<string, Set<string>>();
  readonly #run: RunContext;
  readonly #rows: () => ReadonlyMap<string, StateRow>;
  readonly #root: string;
  /** Chance that an object is stored otherwise than it was sent. */
  rotAtBirth = 0;

  constructor(run: RunContext, root: string, rows: () => ReadonlyMap<string, StateRow>) {
    this.#run = run;
    this.#root = root;
    this.#rows = rows;
  }

  prefixOf(shardId: string, { epoch, position, generation }: Pick<SnapshotRef, 'epoch' | 'position' | 'generation'>): string {
    return `${this.#root}/${shardId}/${String(epoch).padStart(10, '0')}/${position}/${generation}/`;
  }

  keysUnder(prefix: string): string[] {
    return [...this.memory.objects.keys()].filter((key) => key.startsWith(prefix));
  }

  keysOf(shardId: string): string[] {
    return this.keysUnder(`${this.#root}/${shardId}/`);
  }

  isRotten(shardId: string, ref: SnapshotRef): boolean {
    const prefix = this.prefixOf(shardId, ref);
    return [...this.#rotten.keys()].some((key) => key.startsWith(prefix));
  }

  failedToLoad(process: Process, shardId: string, ref: SnapshotRef): boolean {
    return this.#failed.get(process.actor.name)?.has(this.prefixOf(shardId, ref)) ?? false;
  }

  wasReadBack(process: Process, shardId: string, ref: SnapshotRef): boolean {
    const read = this.#readBack.get(process.actor.name);
    return this.keysUnder(this.prefixOf(shardId, ref)).every((key) => read?.has(key));
  }

  damage(shardId: string, ref: SnapshotRef): void {
    for (const key of this.keysUnder(this.prefixOf(shardId, ref)).slice(0, 1)) this.#rot(key);
  }

  of(process: Process): ObjectStore {
    const { actor } = process;
    const ask = <T>(label: string, effect: () => Promise<T>): Promise<T> => this.#run.scheduler.call(actor, label, effect, storeAway);
    const all = async (prefix: string) => {
      const found = [];
      for await (const info of this.memory.list(prefix)) found.push(info);
      return found;
    };
    return {
      create: (key, body) =>
        ask('create object', async () => {
          const outcome = await this.memory.create(key, body);
          if (outcome === 'created') this.#forget(key);
          if (outcome === 'created' && key.startsWith(this.#root) && this.#run.chance(this.rotAtBirth)) this.#rot(key);
          return outcome;
        }),
      read: (key) => ask('read object', () => this.#read(process, key)),
      head: (key) => ask('head object', () => this.memory.head(key)),
      list: async function* (prefix) {
        yield* await ask('list objects', () => all(prefix));
      },
      delete: (key) => ask('delete object', async () => this.#delete(key)),
    };
  }

  #rot(key: string): void {
    const body = this.memory.objects.get(key);
    const damage = this.#run.pick(damages) ?? 'gone';
    if (body === undefined) return;
    this.#run.figures.damaged += 1;
    this.#rotten.set(key, damage);
    if (damage === 'gone') this.memory.objects.delete(key);
    if (damage === 'cut off') this.memory.objects.set(key, body.subarray(0, this.#run.int(body.length)));
    if (damage === 'flipped') this.memory.objects.set(key, this.#flipped(body));
  }

  /** Some bits of a gzip stream say nothing: the header's time stamp, what fills the last byte up. */
  #flipped(body: Buffer): Buffer {
    for (;;) {
      const flipped = Buffer.from(body);
      const at = this.#run.int(body.length);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << this.#run.int(8));
      if (!isSameContent(flipped, body)) return flipped;
    }
  }

  async #read(process: Process, key: string): Promise<Buffer> {
    if (this.#rotten.has(key) || !this.memory.objects.has(key)) {
      const failed = this.#failed.get(process.actor.name) ?? new Set();
      this.#failed.set(process.actor.name, failed.add(folderOf(key)));
    }
    if (this.#rotten.get(key) === 'refused') throw new PlatformError('OBJECT_CORRUPT', key);
    const body = await this.memory.read(key);
    this.#readBack.set(process.actor.name, (this.#readBack.get(process.actor.name) ?? new Set()).add(key));
    return body;
  }

  async #delete(key: string): Promise<void> {
    for (const [shardId, { current, previous, retired }] of this.#rows()) {
      for (const ref of [current, previous]) {
        if (ref === undefined || retired || !key.startsWith(this.prefixOf(shardId, ref))) continue;
        this.#run.violate('delete', `${key} was deleted while ${shardId} pointed at it`);
      }
    }
    this.#forget(key);
    await this.memory.delete(key);
  }

  /** What was known of the object that lay there. */
  #forget(key: string): void {
    this.#rotten.delete(key);
    for (const failed of this.#failed.values()) failed.delete(folderOf(key));
  }
}

const folderOf = (key: string): string => key.slice(0, key.lastIndexOf('/') + 1);

function isSameContent(a: Buffer, b: Buffer): boolean {
  try {
    return gunzipSync(a).equals(gunzipSync(b));
  } catch {
    return false;
  }
}
