import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../../../services/lib/warehouse/database.ts';
import { Preload } from '../preload.ts';

const pollMs = 500;
const quarantinedDeadlineMs = 60_000;

/** An event whose line the warehouse refuses. */
export class Refused {
  /** Of the loader's tasks. */
  readonly preload: Preload;

  constructor(folder: string) {
    this.preload = new Preload(folder, new URL('refused-preload.ts', import.meta.url));
  }

  /** Ids of the events. */
  get events(): readonly string[] {
    const eventId = this.preload.victim();
    return eventId === undefined ? [] : [eventId];
  }

  /** Resolves when the line is in quarantine, to the moment it was made. */
  async strike(warehouse: Database, signal: AbortSignal): Promise<number> {
    const at = Date.now();
    this.preload.arm();
    const deadline = performance.now() + quarantinedDeadlineMs;
    while (!(await this.#isQuarantined(warehouse))) {
      if (performance.now() > deadline) throw new Error(`no line was quarantined within ${quarantinedDeadlineMs / 1_000} s`);
      await sleep(pollMs, undefined, { signal });
    }
    return at;
  }

  async #isQuarantined(warehouse: Database): Promise<boolean> {
    const eventId = this.preload.victim();
    if (eventId === undefined) return false;
    const session = await warehouse.connect();
    try {
      const { rows } = await session.query('SELECT content FROM quarantine');
      return rows.some((row) => String(row['content']).includes(eventId));
    } finally {
      await session.close();
    }
  }
}
