import { createHash, randomUUID } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { link, mkdir, open, readdir, readFile, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isPlatformError, PlatformError } from '../process/errors.ts';
import { assertKey, assertPrefix } from './keys.ts';
import type { ObjectInfo, ObjectStore } from './object-store.ts';

/**
 * First line of every file: `sha256:<64 hex>\n`, then the body. In one file with the body, so that both appear in one step
 * (`tail -n +2 FILE` shows the body).
 */
const headerLength = 'sha256:'.length + 64 + 1;
const header = /^sha256:([0-9a-f]{64})\n$/;

/** Not in the alphabet of keys: never listed, never a key. */
const scratchFolder = '~scratch';

const sha256 = (body: Buffer): string => createHash('sha256').update(body).digest('hex');
const codeOf = (error: unknown): unknown => (error as NodeJS.ErrnoException | undefined)?.code;
const isMissing = (error: unknown): boolean => ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(String(codeOf(error)));
const none: readonly Dirent[] = [];

/**
 * Objects as files under a folder. `create` writes a scratch file, syncs it and links it to its name: the link is exclusive
 * and atomic, so a half-written object is never visible, whatever is killed when. No key may be the folder of another.
 * A folder that is not there yet is an empty store; anything else in its place is a store that is away.
 */
export class FileStore implements ObjectStore {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async create(key: string, body: Buffer): Promise<'created' | 'exists'> {
    assertKey(key);
    const target = join(this.#root, key);
    const scratch = join(this.#root, scratchFolder, randomUUID());
    return this.#guard('create', key, async () => {
      if (await isFile(target)) return taken(target);
      await makeFolder(dirname(scratch));
      try {
        await writeSynced(scratch, [Buffer.from(`sha256:${sha256(body)}\n`), body]);
        const newFolders = await makeFolder(dirname(target));
        await link(scratch, target);
        for (const folder of newFolders) await syncFolder(folder);
        return 'created';
      } catch (error) {
        if (codeOf(error) === 'EEXIST' && (await isFile(target))) return taken(target);
        throw error;
      } finally {
        await unlink(scratch).catch(() => undefined);
      }
    });
  }

  async read(key: string): Promise<Buffer> {
    assertKey(key);
    return this.#guard('read', key, async () => {
      const file = await readFile(join(this.#root, key));
      const stored = header.exec(file.toString('latin1', 0, headerLength))?.[1];
      const body = file.subarray(headerLength);
      if (stored === undefined || stored !== sha256(body)) throw corrupt(key);
      return body;
    });
  }

  async head(key: string): Promise<(ObjectInfo & { readonly sha256: string }) | undefined> {
    assertKey(key);
    return this.#guard('head', key, async () => {
      let file: Awaited<ReturnType<typeof open>>;
      try {
        file = await open(join(this.#root, key), 'r');
      } catch (error) {
        if (await this.#isAbsent(error, key)) return undefined;
        throw error;
      }
      try {
        const info = await file.stat();
        if (!info.isFile()) return undefined;
        const first = Buffer.alloc(headerLength);
        const { bytesRead } = await file.read(first, 0, headerLength, 0);
        const stored = header.exec(first.toString('latin1', 0, bytesRead))?.[1];
        if (stored === undefined) throw corrupt(key);
        return { key, size: info.size - headerLength, modifiedAtMs: Math.trunc(info.mtimeMs), sha256: stored };
      } finally {
        await file.close();
      }
    });
  }

  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    assertPrefix(prefix);
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    yield* this.#walk(folder, prefix);
  }

  async delete(key: string): Promise<void> {
    assertKey(key);
    await this.#guard('delete', key, async () => {
      try {
        await unlink(join(this.#root, key));
      } catch (error) {
        if (!(await this.#isAbsent(error, key))) throw error;
      }
    });
  }

  async *#walk(folder: string, prefix: string): AsyncIterable<ObjectInfo> {
    const entries = await this.#unlessAbsent(folder, none, () => readdir(join(this.#root, folder), { withFileTypes: true }));
    // A folder sorts as its name and '/', which is key order: 'a-b' < 'a/b' < 'a0'.
    const names = entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name)).sort();
    for (const name of names) {
      const path = folder + name;
      if (name === `${scratchFolder}/`) continue;
      if (name.endsWith('/')) {
        if (path.startsWith(prefix) || prefix.startsWith(path)) yield* this.#walk(path, prefix);
      } else if (path.startsWith(prefix)) {
        const info = await this.#unlessAbsent(path, undefined, () => stat(join(this.#root, path)));
        if (info?.isFile()) yield { key: path, size: info.size - headerLength, modifiedAtMs: Math.trunc(info.mtimeMs) };
      }
    }
  }

  /** Of a listing: what a deleter took meanwhile is passed over. */
  #unlessAbsent<T, A>(path: string, absent: A, action: () => Promise<T>): Promise<T | A> {
    return this.#guard('list', path, async () => {
      try {
        return await action();
      } catch (error) {
        if (await this.#isAbsent(error, path)) return absent;
        throw error;
      }
    });
  }

  /** Whether the error says that there is no such key. A file where the store's own folder should be says nothing of any key. */
  async #isAbsent(error: unknown, key: string): Promise<boolean> {
    if (!isMissing(error)) return false;
    if (codeOf(error) !== 'ENOTDIR') return true;
    const segments = key.split('/').slice(0, -1);
    for (let depth = 1; depth <= segments.length; depth++) {
      if (await isFile(join(this.#root, ...segments.slice(0, depth)))) return true; // below another object: never a key
    }
    return false;
  }

  async #guard<T>(what: string, key: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (cause) {
      if (isPlatformError(cause)) throw cause;
      if (what === 'read' && (await this.#isAbsent(cause, key))) throw new PlatformError('OBJECT_MISSING', `no object ${key}`, { cause });
      throw new PlatformError('OBJECT_UNAVAILABLE', `cannot ${what} object ${key}: ${String(codeOf(cause))}`, { retriable: true, cause });
    }
  }
}

const corrupt = (key: string): PlatformError =>
  new PlatformError('OBJECT_CORRUPT', `object ${key} is not what was stored: its SHA-256 differs`);

function undefinedIfMissing(error: unknown): undefined {
  if (!isMissing(error)) throw error;
}

async function isFile(path: string): Promise<boolean> {
  const info = await stat(path).catch(undefinedIfMissing);
  return info?.isFile() ?? false;
}

/** Another writer's link may not be on the disk yet, and whoever hears `exists` relies on it. */
async function taken(target: string): Promise<'exists'> {
  await syncFolder(dirname(target));
  return 'exists';
}

async function writeSynced(path: string, parts: readonly Buffer[]): Promise<void> {
  const file = await open(path, 'wx');
  try {
    for (const part of parts) await file.writeFile(part);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes a folder; returns those whose entries must be synced once something was put into it, deepest first. */
async function makeFolder(path: string): Promise<string[]> {
  const first = await mkdir(path, { recursive: true });
  const folders = [path];
  if (first === undefined) return folders;
  for (let folder = path; folder.length >= first.length; ) folders.push((folder = dirname(folder)));
  return folders;
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
