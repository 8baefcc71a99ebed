import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { Position } from '../kcl/position.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { ensureError, isPlatformError } from '../process/errors.ts';
import { SnapshotError } from '../windows/snapshot/snapshot-error.ts';
import type { SavedState, StateToSave } from './state-model.ts';
import type { SnapshotRef } from './state-row.ts';
import { type Patience, untilAnswered } from './until-answered.ts';

const root = 'state';
/** Raw bytes of one object: hashing what is left of them after compression takes some milliseconds. */
const partBytes = 8 * 1_048_576;
/** A part that decompresses to more was not written by us. */
const maxPartBytes = 2 * partBytes;
/** 16 GiB of state: more is no shard's. */
const maxParts = 2_048;
const contentType = 'application/gzip';
const level = 1; // snapshots are short-lived: time counts, not size

/** How a part is compressed. Decompressing rejects what is damaged, and what holds more than `maxPartBytes`. */
export interface PartCodec {
  compress(raw: Buffer): Promise<Buffer>;
  decompress(body: Buffer, maxBytes: number): Promise<Buffer>;
}

const [gzipped, gunzipped] = [promisify(gzip), promisify(gunzip)];
const gzipCodec: PartCodec = {
  compress: (raw) => gzipped(raw, { level }),
  decompress: (body, maxOutputLength) => gunzipped(body, { maxOutputLength }),
};

const format = 1;

/** First in the content, as one line of JSON: an object that lies under a wrong key is seen. */
interface Head {
  readonly format: number;
  readonly shardId: string;
  readonly epoch: number;
  readonly position: Position;
  readonly generation: number;
  readonly meta: unknown;
}

export type SnapshotName = Pick<SnapshotRef, 'epoch' | 'position' | 'generation'>;

export interface StoredPart {
  readonly key: string;
  readonly name: SnapshotName;
}

/** A snapshot that is missing, damaged, cut off, of another version: another one must do. */
export class UnusableSnapshot extends Error {
  override readonly name = 'UnusableSnapshot';
  readonly shardId: string;
  readonly ref: SnapshotName;

  constructor(shardId: string, ref: SnapshotName, cause: unknown) {
    super(`the snapshot of ${shardId} at ${ref.position} of epoch ${ref.epoch} is unusable: ${ensureError(cause).message}`, { cause });
    this.shardId = shardId;
    this.ref = ref;
  }
}

/** Lets everything else that is due run. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The snapshots of one application's shards on one stream: compressed, in parts, each created once and never changed. */
export class SnapshotObjects {
  readonly #store: ObjectStore;
  readonly #folder: string;
  readonly #patience: Patience;
  readonly #codec: PartCodec;

  /** `application` and `streamId` (`<name>@<creation epoch s>`) must be segments of an object key. */
  constructor(
    store: ObjectStore,
    scope: { readonly application: string; readonly streamId: string },
    patience: Patience,
    codec: PartCodec = gzipCodec,
  ) {
    this.#codec = codec;
    this.#store = store;
    this.#folder = `${root}/${scope.application}/${scope.streamId}`;
    this.#patience = patience;
  }

  /**
   * Resolves when all of it is durable; other work runs between two frames. The name holds the epoch, so a part that exists already is
   * our own, from a call whose answer was lost. Stops with the signal's reason when aborted.
   */
  async write(
    shardId: string,
    name: SnapshotName,
    { meta, frames }: Pick<StateToSave, 'meta' | 'frames'>,
    signal: AbortSignal,
  ): Promise<{ parts: number; bytes: number }> {
    const head: Head = { format, shardId, ...nameOf(name), meta };
    let raw: Buffer[] = [Buffer.from(`${JSON.stringify(head)}\n`)];
    let length = 0;
    let parts = 0;
    let bytes = 0;
    const flush = async (): Promise<void> => {
      const body = await this.#codec.compress(Buffer.concat(raw));
      const key = this.#partKey(shardId, name, parts);
      await untilAnswered('store a part of a snapshot', () => this.#store.create(key, body, contentType), this.#until(signal));
      parts++;
      bytes += body.length;
      raw = [];
      length = 0;
    };
    for (const frame of frames) {
      raw.push(frame);
      length += frame.length;
      if (length >= partBytes) await flush();
      else await breathe();
      signal.throwIfAborted();
    }
    if (raw.length > 0) await flush();
    return { parts, bytes };
  }

  /**
   * The content. Rejects with UnusableSnapshot, and so do its frames, for a part that is not what was stored; with the signal's reason
   * when aborted.
   */
  async open(shardId: string, ref: SnapshotRef, signal?: AbortSignal): Promise<SavedState> {
    return this.#guarded(shardId, ref, async () => {
      if (!Number.isSafeInteger(ref.parts) || ref.parts < 1 || ref.parts > maxParts)
        throw new SnapshotError('SNAPSHOT_CORRUPT', `${ref.parts} parts`);
      const first = await this.#part(shardId, ref, 0, signal);
      const end = first.indexOf(0x0a);
      const head = JSON.parse(first.toString('utf8', 0, end)) as Partial<Head> | null;
      const { meta, ...named } = head ?? {};
      const expected: Omit<Head, 'meta'> = { format, shardId, ...nameOf(ref) };
      if (JSON.stringify(named) !== JSON.stringify(expected)) {
        throw new SnapshotError('SNAPSHOT_CORRUPT', `it is ${JSON.stringify(named)}, expected ${JSON.stringify(expected)}`);
      }
      return { generation: ref.generation, meta, frames: this.#frames(shardId, ref, first.subarray(end + 1), signal) };
    });
  }

  /** Opens a snapshot for `use`. Whatever of it `use` finds not to be sound is UnusableSnapshot too. */
  async use<T>(shardId: string, ref: SnapshotRef, use: (saved: SavedState) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const saved = await this.open(shardId, ref, signal);
    return this.#guarded(shardId, ref, () => use(saved));
  }

  async delete(shardId: string, ref: SnapshotRef, signal: AbortSignal): Promise<void> {
    for (let part = 0; part < ref.parts; part++) await this.#delete(this.#partKey(shardId, ref, part), signal);
  }

  /** Keys of the shard's objects that were written under an epoch before `epoch`, with the snapshot each belongs to. */
  async writtenBefore(shardId: string, epoch: number): Promise<readonly StoredPart[]> {
    const found: StoredPart[] = [];
    const folder = `${this.#folder}/${shardId}/`;
    for await (const { key } of this.#store.list(folder)) {
      const [written = '', position = '', generation = ''] = key.slice(folder.length).split('/');
      const name = { epoch: Number(written), position: position as Position, generation: Number(generation) };
      if (name.epoch < epoch) found.push({ key, name });
    }
    return found;
  }

  async deletePart({ key }: StoredPart): Promise<void> {
    await this.#delete(key);
  }

  async *#frames(shardId: string, ref: SnapshotRef, first: Buffer, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
    const ahead = (part: number): Promise<Buffer> | undefined => {
      const content = part < ref.parts ? this.#part(shardId, ref, part, signal) : undefined;
      content?.catch(() => {}); // it is awaited in its turn, or not at all
      return content;
    };
    // The next part is on its way while this one is used.
    let next = ahead(1);
    if (first.length > 0) yield first;
    for (let part = 1; next !== undefined; part++) {
      const content = await next;
      next = ahead(part + 1);
      yield content;
    }
  }

  async #part(shardId: string, ref: SnapshotName, part: number, signal: AbortSignal | undefined): Promise<Buffer> {
    const key = this.#partKey(shardId, ref, part);
    return this.#guarded(shardId, ref, async () => {
      const body = await untilAnswered('read a part of a snapshot', () => this.#store.read(key), this.#until(signal));
      return this.#codec.decompress(body, maxPartBytes);
    });
  }

  async #delete(key: string, signal?: AbortSignal): Promise<void> {
    await untilAnswered('delete a part of a snapshot', () => this.#store.delete(key), this.#until(signal));
  }

  #until(signal: AbortSignal | undefined): Patience {
    return signal === undefined ? this.#patience : { ...this.#patience, signal };
  }

  async #guarded<T>(shardId: string, ref: SnapshotName, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      if (isSnapshotFault(error) && !(error instanceof UnusableSnapshot)) throw new UnusableSnapshot(shardId, nameOf(ref), error);
      throw error;
    }
  }

  #prefix(shardId: string, { epoch, position, generation }: SnapshotName): string {
    return `${this.#folder}/${shardId}/${String(epoch).padStart(10, '0')}/${position}/${generation}/`;
  }

  #partKey(shardId: string, name: SnapshotName, part: number): string {
    return `${this.#prefix(shardId, name)}${String(part).padStart(5, '0')}.gz`;
  }
}

const nameOf = ({ epoch, position, generation }: SnapshotName): SnapshotName => ({ epoch, position, generation });

/** The snapshot is to blame, not a store that is away. */
export function isSnapshotFault(error: unknown): boolean {
  if (error instanceof UnusableSnapshot) return true;
  if (error instanceof SnapshotError || error instanceof SyntaxError || error instanceof RangeError) return true;
  if (isPlatformError(error)) return error.code === 'OBJECT_CORRUPT' || error.code === 'OBJECT_MISSING';
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' && (code.startsWith('Z_') || code === 'ERR_BUFFER_TOO_LARGE');
}
