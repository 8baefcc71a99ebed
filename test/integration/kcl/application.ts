import { setTimeout as delay } from 'node:timers/promises';
import { type Delivery, type Entry, Evidence } from './evidence.ts';
import { Recorder } from './recorder-process.ts';

const pollMs = 50;

export async function waitFor(what: string, condition: () => boolean | Promise<boolean>, deadlineMs = 60_000): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await delay(pollMs);
  }
}

/** One KCL application: its workers share the leases, and write one evidence. */
export class Application {
  readonly name: string;
  readonly #bundle: string;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #evidence: Evidence;
  readonly #recorders: Recorder[] = [];

  constructor(options: {
    readonly name: string;
    /** The recorder's main. */
    readonly bundle: string;
    readonly evidenceFile: string;
    readonly environment: Readonly<Record<string, string>>;
  }) {
    this.name = options.name;
    this.#bundle = options.bundle;
    this.#environment = { ...options.environment, APPLICATION: options.name, EVIDENCE: options.evidenceFile };
    this.#evidence = new Evidence(options.evidenceFile);
  }

  entries(): readonly Entry[] {
    return this.#evidence.entries();
  }

  /** In the order of delivery, repeated ones included. */
  deliveries(): readonly Delivery[] {
    return this.#evidence.deliveries();
  }

  startRecorder(settings: Readonly<Record<string, string>> = {}): Recorder {
    const recorder = new Recorder(this.#bundle, { ...this.#environment, WORKER_ID: 'worker-1', ...settings });
    this.#recorders.push(recorder);
    return recorder;
  }

  /** Resolves, with the time, when each of the shards has delivered a record that was put at `since` or later. */
  async reading(shards: readonly string[], since: number): Promise<number> {
    const missing = new Set(shards);
    let looked = 0;
    await waitFor(`${this.name} to read ${shards.join(', ')}`, () => {
      const deliveries = this.deliveries();
      for (; looked < deliveries.length; looked++) {
        const { shard, putAt } = deliveries[looked]!;
        if (putAt >= since) missing.delete(shard);
      }
      return missing.size === 0;
    });
    return Date.now();
  }

  /** Ends what a failed test may have left. */
  async end(): Promise<void> {
    await Promise.all(this.#recorders.map((recorder) => recorder.kill()));
  }
}
