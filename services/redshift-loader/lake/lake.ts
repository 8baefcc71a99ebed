import { setImmediate } from 'node:timers/promises';
import type { ObjectStore } from '../../lib/objects/object-store.ts';
import { LakeQueue, type LakeQueueParts } from './lake-queue.ts';
import { LakeWriter } from './lake-writer.ts';

export interface LakeOptions extends Omit<LakeQueueParts, 'writer' | 'objects'> {
  readonly objects: ObjectStore;
}

export function lakeWork(options: LakeOptions): LakeQueue {
  const { database, objects, metrics, signal } = options;
  const writer = new LakeWriter({ database, objects, metrics, signal, yield: () => setImmediate() });
  return new LakeQueue({ ...options, writer });
}
