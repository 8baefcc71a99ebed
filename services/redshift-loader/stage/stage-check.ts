import type { ObjectStore } from '../../lib/objects/object-store.ts';
import { isPlatformError } from '../../lib/process/errors.ts';
import type { StagedObject } from '../../lib/warehouse/copy.ts';

export type ObjectFault = 'missing' | 'corrupt';

const concurrentHeads = 16;

/**
 * HEADs objects before a transaction is opened for them: one that is missing or is not what was registered would fail the whole batch.
 * Rejects with OBJECT_UNAVAILABLE.
 */
export async function findFaults(
  store: Pick<ObjectStore, 'head'>,
  objects: readonly StagedObject[],
): Promise<ReadonlyMap<string, ObjectFault>> {
  const faults = new Map<string, ObjectFault>();
  for (let at = 0; at < objects.length; at += concurrentHeads) {
    await Promise.all(
      objects.slice(at, at + concurrentHeads).map(async (object) => {
        const fault = await faultOf(store, object);
        if (fault !== undefined) faults.set(object.key, fault);
      }),
    );
  }
  return faults;
}

async function faultOf(store: Pick<ObjectStore, 'head'>, object: StagedObject): Promise<ObjectFault | undefined> {
  try {
    const info = await store.head(object.key);
    if (info === undefined) return 'missing';
    return info.size === object.size && info.sha256 === object.sha256 ? undefined : 'corrupt';
  } catch (error) {
    if (isPlatformError(error, 'OBJECT_MISSING')) return 'missing';
    if (isPlatformError(error, 'OBJECT_CORRUPT')) return 'corrupt';
    throw error;
  }
}
