import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const lookEveryMs = 100;

/**
 * Inside a service's process: the one event of a run that a drill spoils (preload.ts). It is chosen once `armed` is there, by whichever
 * process meets a fit one first, and is the same in every process from then on.
 */
export class Victim {
  readonly #folder: string;
  readonly #file: string;
  #id: string | undefined;
  #isWanted = false;

  constructor(folder: string) {
    this.#folder = folder;
    this.#file = join(folder, 'victim');
    this.#look();
    setInterval(() => this.#look(), lookEveryMs).unref();
  }

  get id(): string | undefined {
    return this.#id;
  }

  /** Whether the next fit event is to be chosen. */
  get isWanted(): boolean {
    return this.#isWanted;
  }

  choose(eventId: string): void {
    try {
      writeFileSync(this.#file, eventId, { flag: 'wx' });
    } catch {
      // Another shard's process was faster.
    }
    this.#look();
  }

  #look(): void {
    if (this.#id === undefined && existsSync(this.#file)) this.#id = readFileSync(this.#file, 'utf8');
    this.#isWanted = this.#id === undefined && existsSync(join(this.#folder, 'armed'));
  }
}
