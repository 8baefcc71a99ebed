import { closeSync, existsSync, openSync, readSync } from 'node:fs';

/** One line of the recorder's evidence. */
export interface Entry {
  readonly at: number;
  readonly pid: number;
  readonly worker: string;
  readonly shard: string;
  readonly event: 'initialize' | 'record' | 'checkpointed' | 'shardEnded' | 'shutdownRequested' | 'leaseLost';
  readonly key?: string;
  readonly value?: string;
  /** Of `record`: its own; of `checkpointed`: of the last record before it; of `initialize`: where KCL resumes. */
  readonly position?: string;
}

/** A record as it was put (`n`: its place among all of the test) and as it was delivered. Times in epoch ms. */
export interface Delivery {
  readonly n: number;
  readonly key: string;
  readonly putAt: number;
  readonly at: number;
  readonly pid: number;
  readonly shard: string;
  readonly position: string;
}

/** A record's data: what `deliveryOf` reads, filled up to `bytes`. */
export const dataOf = (n: number, putAt: number, bytes: number): Buffer => Buffer.from(`${n} ${putAt}`.padEnd(bytes));

export function deliveryOf({ key = '', value = '', position = '', at, pid, shard }: Entry): Delivery {
  const [n, putAt] = value.split(' ').map(Number);
  return { n: n ?? Number.NaN, key, putAt: putAt ?? Number.NaN, at, pid, shard, position };
}

/** Reads what was appended since the last look, so that a long run can be watched. */
export class Evidence {
  readonly #file: string;
  readonly #chunk = Buffer.alloc(1 << 20);
  readonly #entries: Entry[] = [];
  readonly #deliveries: Delivery[] = [];
  #offset = 0;

  constructor(file: string) {
    this.#file = file;
  }

  entries(): readonly Entry[] {
    this.#read();
    return this.#entries;
  }

  /** In the order of delivery, repeated ones included. */
  deliveries(): readonly Delivery[] {
    this.#read();
    return this.#deliveries;
  }

  #read(): void {
    if (!existsSync(this.#file)) return;
    const file = openSync(this.#file, 'r');
    for (;;) {
      const length = readSync(file, this.#chunk, 0, this.#chunk.length, this.#offset);
      const whole = this.#chunk.subarray(0, length).lastIndexOf(0x0a) + 1; // the last line may still be in the writing
      if (whole === 0) break;
      this.#offset += whole;
      for (const line of this.#chunk.toString('utf8', 0, whole - 1).split('\n')) this.#take(JSON.parse(line) as Entry);
    }
    closeSync(file);
  }

  #take(entry: Entry): void {
    this.#entries.push(entry);
    if (entry.event === 'record') this.#deliveries.push(deliveryOf(entry));
  }
}
