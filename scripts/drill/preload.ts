import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';

/** Code that a drill alone loads into a service's processes before their own, to spoil one event (victim.ts). */
export class Preload {
  readonly #folder: string;
  readonly #source: URL;

  /** `folder`: a new one, for what the processes tell each other. */
  constructor(folder: string, source: URL) {
    this.#folder = folder;
    this.#source = source;
  }

  /** Builds the code; what it returns goes into the environment of the service's tasks. */
  build(): Readonly<Record<string, string>> {
    mkdirSync(this.#folder);
    const outfile = join(this.#folder, 'preload.mjs');
    const entry = fileURLToPath(this.#source);
    buildSync({ entryPoints: [entry], outfile, bundle: true, platform: 'node', format: 'esm', logLevel: 'warning' });
    return { NODE_OPTIONS: `--import=${pathToFileURL(outfile).href}`, DRILL_FOLDER: this.#folder };
  }

  /** From now on the next fit event is chosen. */
  arm(): void {
    writeFileSync(join(this.#folder, 'armed'), '');
  }

  /** Id of the event that was chosen. */
  victim(): string | undefined {
    const file = join(this.#folder, 'victim');
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  }
}
