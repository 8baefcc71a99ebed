import { type Position, trimHorizon } from '../../lib/kcl/position.ts';
import type { ObjectStore } from '../../lib/objects/object-store.ts';
import { isPlatformError } from '../../lib/process/errors.ts';
import type { LoadRegistry } from '../registry/registry.ts';
import type { FileRow } from '../registry/registry-rows.ts';
import { findFaults, type ObjectFault } from './stage-check.ts';

export type Checked =
  | { readonly kind: 'checked'; readonly files: number }
  | { readonly kind: 'faulty'; readonly file: FileRow; readonly fault: ObjectFault };

const filesPerPage = 200;

/**
 * Registered files beyond the watermarks whose object is missing or is not what was registered. All by HEAD; of each shard the first
 * that waits is read as well, since a store that damages a body may tell its old checksum, and that file is what its shard waits for.
 */
export async function* findFaultyFiles(
  registry: Pick<LoadRegistry, 'heads' | 'files'>,
  objects: Pick<ObjectStore, 'head' | 'read'>,
  watermarks: ReadonlyMap<string, Position>,
): AsyncGenerator<Checked> {
  for (const [shardId, head] of await registry.heads()) {
    let from: Position = watermarks.get(shardId) ?? trimHorizon;
    let first = true;
    while (from < head) {
      const files = await registry.files(shardId, from, filesPerPage);
      const last = files.at(-1);
      if (last === undefined) break;
      const staged = files.flatMap((file) => file.object ?? []);
      const faults = new Map(await findFaults(objects, staged));
      const foremost = first ? staged[0] : undefined;
      if (foremost !== undefined) {
        first = false;
        if (!faults.has(foremost.key) && (await isUnreadable(objects, foremost.key))) faults.set(foremost.key, 'corrupt');
      }
      for (const file of files) {
        const fault = file.object === undefined ? undefined : faults.get(file.object.key);
        if (fault !== undefined) yield { kind: 'faulty', file, fault };
      }
      yield { kind: 'checked', files: files.length };
      from = last.to;
    }
  }
}

async function isUnreadable(objects: Pick<ObjectStore, 'read'>, key: string): Promise<boolean> {
  try {
    await objects.read(key);
    return false;
  } catch (error) {
    if (isPlatformError(error, 'OBJECT_CORRUPT') || isPlatformError(error, 'OBJECT_MISSING')) return true;
    throw error;
  }
}
