import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fraudDetector } from '../../../services/fraud-detector/service.ts';
import { decodeDeadLetter } from '../../../services/lib/deadletter/format.ts';
import type { ObjectStore } from '../../../services/lib/objects/object-store.ts';
import type { PoisonedRecord } from '../../judge/evidence.ts';
import { Preload } from '../preload.ts';

const pollMs = 500;
/** Two deaths tell nothing, three the record; each costs a restart of the daemon, which is paused for longer each time. */
const buriedDeadlineMs = 180_000;

/** A record that kills every process that applies it. */
export class Poison {
  /** Records that killed and were given up. */
  readonly buried: PoisonedRecord[] = [];
  /** Of the detector's task. */
  readonly preload: Preload;

  constructor(folder: string) {
    this.preload = new Preload(folder, new URL('poison-preload.ts', import.meta.url));
  }

  /** Resolves when the record was found and is a dead letter, to that moment, epoch ms. */
  async strike(objects: ObjectStore, signal: AbortSignal): Promise<number> {
    this.preload.arm();
    const deadline = performance.now() + buriedDeadlineMs;
    for (;;) {
      const found = await this.#letter(objects);
      if (found !== undefined) {
        this.buried.push(found);
        return Date.now();
      }
      if (performance.now() > deadline) throw new Error(`no dead letter of the record that kills after ${buriedDeadlineMs / 1_000} s`);
      await sleep(pollMs, undefined, { signal });
    }
  }

  async #letter(objects: ObjectStore): Promise<PoisonedRecord | undefined> {
    const eventId = this.preload.victim();
    if (eventId === undefined) return undefined;
    for await (const { key } of objects.list(`deadletter/${fraudDetector.name}/`)) {
      const letter = decodeDeadLetter(await objects.read(key));
      if (letter.kind !== 'ok' || letter.value.reason !== 'poison') continue;
      const { data } = letter.value;
      if (data.includes(eventId)) return { eventId, sha256: createHash('sha256').update(data).digest('hex') };
    }
    return undefined;
  }
}
