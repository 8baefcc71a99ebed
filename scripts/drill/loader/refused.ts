import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import type { Database } from '../../../services/lib/warehouse/database.ts';

const source = fileURLToPath(new URL('refused-preload.ts', import.meta.url));
const pollMs = 500;
const quarantinedDeadlineMs = 60_000;

/** An event whose line the warehouse refuses. */
export class Refused {
  /** Ids of the events. */
  readonly events: string[] = [];
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder);
    buildSync({ entryPoints: [source], outfile: this.#preload, platform: 'node', format: 'esm', logLevel: 'warning' });
  }

  get #preload(): string {
    return join(this.#folder, 'preload.mjs');
  }

  /** Environment of the loader's tasks. */
  get environment(): Readonly<Record<string, string>> {
    return { NODE_OPTIONS: `--import=${pathToFileURL(this.#preload).href}`, DRILL_REFUSED: this.#folder };
  }

  /** Resolves when the line is in quarantine, to the moment it was made. */
  async strike(warehouse: Database, signal: AbortSignal): Promise<number> {
    if (this.events.length > 0) throw new Error('the line that is refused works once in a run');
    const at = Date.now();
    writeFileSync(join(this.#folder, 'armed'), '');
    const deadline = performance.now() + quarantinedDeadlineMs;
    while (!(await this.#isQuarantined(warehouse))) {
      if (performance.now() > deadline) throw new Error(`no line was quarantined within ${quarantinedDeadlineMs / 1_000} s`);
      await sleep(pollMs, undefined, { signal });
    }
    return at;
  }

  async #isQuarantined(warehouse: Database): Promise<boolean> {
    const victimFile = join(this.#folder, 'victim');
    if (!existsSync(victimFile)) return false;
    const eventId = readFileSync(victimFile, 'utf8');
    if (!this.events.includes(eventId)) this.events.push(eventId);
    const session = await warehouse.connect();
    try {
      const { rows } = await session.query('SELECT content FROM quarantine');
      return rows.some((row) => String(row['content']).includes(eventId));
    } finally {
      await session.close();
    }
  }
}
