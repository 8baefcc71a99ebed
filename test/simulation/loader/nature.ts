import { createDeadLetters } from '../../../services/lib/deadletter/dead-letters.ts';
import type { Position } from '../../../services/lib/kcl/position.ts';
import { PlatformError } from '../../../services/lib/process/errors.ts';
import type { Session } from '../../../services/lib/warehouse/database.ts';
import { readWatermarks } from '../../../services/lib/warehouse/load.ts';
import { findFaultyFiles } from '../../../services/redshift-loader/stage/faulty-files.ts';
import { type RepairTools, replaceFile, rereadFile } from '../../../services/redshift-loader/stage/repair-file.ts';
import type { Actor, Scheduler } from '../scheduler.ts';
import type { Durable } from './durable.ts';
import type { FaultyParts } from './faulty-parts.ts';
import type { Streams } from './streams.ts';

export interface Surroundings {
  readonly scheduler: Scheduler;
  readonly durable: Durable;
  readonly parts: FaultyParts;
  readonly streams: Streams;
  readonly application: string;
  readonly streamId: string;
  readonly newId: () => string;
  /** All is staged, and all of it is loaded. */
  readonly done: () => Promise<boolean>;
}

/** Damages objects that wait to be loaded, now one, now another. */
export async function damage({ scheduler, durable, done }: Surroundings, actor: Actor, times: number): Promise<void> {
  const { random } = scheduler;
  for (let left = times; left > 0 && !(await done()); ) {
    await scheduler.sleep(actor, 200 + Math.floor(random() * 2_000));
    const waiting = (await durable.files()).filter((file) => !durable.isLoaded(file)).flatMap((file) => file.object ?? []);
    const { key } = waiting[Math.floor(random() * waiting.length)] ?? {};
    if (key === undefined) continue;
    durable.damaged.add(key);
    if (random() < 0.5) durable.store.objects.delete(key);
    else durable.store.objects.set(key, Buffer.from('rotten'));
    scheduler.trace.push(`nature damages ${key}`);
    left -= 1;
  }
}

/** Copies committed batches into the lake, later than they were committed: until then their objects must be there. */
export async function fillLake({ scheduler, durable, done }: Surroundings, actor: Actor): Promise<void> {
  while (!(await done())) {
    await scheduler.sleep(actor, 100 + Math.floor(scheduler.random() * 3_000));
    for (const [batchId, objects] of durable.batches) {
      if (durable.lake.has(batchId) || scheduler.random() < 0.3) continue;
      for (const key of objects) {
        if (!durable.store.objects.has(key) && !durable.damaged.has(key)) durable.violations.push({ rule: 'lake', what: `${key} is gone` });
      }
      durable.lake.add(batchId);
    }
  }
}

/** `npm run repair -- --yes`, again and again; it too dies at any call. */
export async function repairAll(around: Surroundings, actor: Actor, sessions: Set<Session>, repaired: () => void): Promise<void> {
  const { scheduler, parts, streams, application, streamId, newId, done } = around;
  const objects = parts.storeOf(actor);
  const registry = parts.registryOf(actor);
  const database = parts.databaseOf(actor, sessions);
  const tools: RepairTools = {
    application,
    streamId,
    streamName: 'booking-events',
    registry,
    objects,
    deadLetters: createDeadLetters(objects, 'redshift-loader', { pause: async () => {} }),
    decode: streams.decode,
    readGap: (...range) => streams.read(...range),
    newId,
  };
  const readAll = async (): Promise<ReadonlyMap<string, Position>> => {
    const session = await database.connect();
    try {
      return await readWatermarks(session, application, streamId);
    } finally {
      await session.close();
    }
  };
  while (!(await done())) {
    await scheduler.sleep(actor, 500 + Math.floor(scheduler.random() * 2_000));
    try {
      const watermarks = await readAll();
      for await (const found of findFaultyFiles(registry, objects, watermarks)) {
        if (found.kind !== 'faulty') continue;
        if ((await replaceFile(tools, found.file, await rereadFile(tools, found.file))) === 'replaced') repaired();
      }
    } catch (error) {
      if (!(error instanceof PlatformError && error.retriable)) throw error;
    }
  }
}
