import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import { fraudDetector } from '../../../services/fraud-detector/service.ts';
import { decodeDeadLetter } from '../../../services/lib/deadletter/format.ts';
import type { ObjectStore } from '../../../services/lib/objects/object-store.ts';
import type { PoisonedRecord } from '../../judge/evidence.ts';

const source = fileURLToPath(new URL('poison-preload.ts', import.meta.url));
const pollMs = 500;
/** Two deaths tell nothing, three the record; each costs a restart of the daemon, which is paused for longer each time. */
const buriedDeadlineMs = 180_000;

/** A record that kills every process that applies it. */
export class Poison {
  /** Records that killed and were given up. */
  readonly buried: PoisonedRecord[] = [];
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder);
    buildSync({ entryPoints: [source], outfile: this.#preload, platform: 'node', format: 'esm', logLevel: 'warning' });
  }

  get #preload(): string {
    return join(this.#folder, 'preload.mjs');
  }

  /** Environment of the detector's task. */
  get environment(): Readonly<Record<string, string>> {
    return { NODE_OPTIONS: `--import=${pathToFileURL(this.#preload).href}`, DRILL_POISON: this.#folder };
  }

  /** Resolves when the record was found and is a dead letter, to that moment, epoch ms. */
  async strike(objects: ObjectStore, signal: AbortSignal): Promise<number> {
    if (this.buried.length > 0) throw new Error('poison works once in a run');
    writeFileSync(join(this.#folder, 'armed'), '');
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
    const victimFile = join(this.#folder, 'victim');
    if (!existsSync(victimFile)) return undefined;
    const eventId = readFileSync(victimFile, 'utf8');
    for await (const { key } of objects.list(`deadletter/${fraudDetector.name}/`)) {
      const letter = decodeDeadLetter(await objects.read(key));
      if (letter.kind !== 'ok' || letter.value.reason !== 'poison') continue;
      const { data } = letter.value;
      if (data.includes(eventId)) return { eventId, sha256: createHash('sha256').update(data).digest('hex') };
    }
    return undefined;
  }
}
