import type { RecordStep, Run, Step } from './steps.ts';

/**
 * Windows by event time, written down as plainly as can be: every record is kept, every window is looked for among all, every result is
 * added up from scratch. Nothing of services/lib/windows is used. Told is [key, start, end, sum, 'ON_TIME' | 'LATE'] and ['late', ts].
 */
export interface PlainWindow {
  readonly key: string;
  start: number;
  end: number;
  records: RecordStep[];
}

const sumOf = (records: readonly RecordStep[]): number => records.reduce((sum, { value }) => sum + value, 0);

abstract class PlainEventTime implements Run {
  protected windows: PlainWindow[] = [];
  protected watermark = Number.NEGATIVE_INFINITY;
  protected readonly lateness: number;

  constructor(lateness: number) {
    this.lateness = lateness;
  }

  protected abstract place(record: RecordStep): { taken: PlainWindow[]; belongs: boolean };

  protected isOver({ end }: { readonly end: number }): boolean {
    return this.watermark >= end - 1 + this.lateness;
  }

  step(step: Step): unknown[] {
    if (step.kind === 'record') {
      const { taken, belongs } = this.place(step);
      if (taken.length === 0 && belongs) return [['late', step.timestamp]];
      return taken.filter(({ end }) => this.watermark >= end - 1).map((window) => this.tell(window, 'LATE'));
    }
    if (step.time <= this.watermark) return [];
    const due = this.windows.filter(({ end }) => this.watermark < end - 1 && end - 1 <= step.time);
    this.watermark = step.time;
    this.windows = this.windows.filter((window) => !this.isOver(window));
    return due.map((window) => this.tell(window, 'ON_TIME'));
  }

  private tell({ key, start, end, records }: PlainWindow, timing: string): unknown {
    return [key, start, end, sumOf(records), timing];
  }
}

/** Windows that start at offset + n × slide: all n are tried. */
export class PlainHopping extends PlainEventTime {
  readonly #size: number;
  readonly #slide: number;
  readonly #offset: number;

  constructor(size: number, slide: number, offset: number, lateness: number) {
    super(lateness);
    this.#size = size;
    this.#slide = slide;
    this.#offset = offset;
  }

  protected place(record: RecordStep) {
    const taken: PlainWindow[] = [];
    let belongs = false;
    for (let n = -300; n <= 300; n++) {
      const start = this.#offset + n * this.#slide;
      const end = start + this.#size;
      if (record.timestamp < start || record.timestamp >= end) continue;
      belongs = true;
      if (this.isOver({ end })) continue;
      let window = this.windows.find((other) => other.key === record.key && other.start === start);
      if (window === undefined) this.windows.push((window = { key: record.key, start, end, records: [] }));
      window.records.push(record);
      taken.push(window);
    }
    return { taken, belongs };
  }
}

/**
 * Sessions: the key's records that are not over are sorted and cut wherever neighbours are too far apart. `reach`: records this far apart
 * or less are one session; `tail`: from the last record to the session's end.
 */
export class PlainSessions extends PlainEventTime {
  readonly #reach: number;
  readonly #tail: number;

  constructor(reach: number, tail: number, lateness: number) {
    super(lateness);
    this.#reach = reach;
    this.#tail = tail;
  }

  protected place(record: RecordStep) {
    const others = this.windows.filter(({ key }) => key === record.key);
    const all = [...others.flatMap(({ records }) => records), record].sort((a, b) => a.timestamp - b.timestamp);
    const runs: RecordStep[][] = [];
    for (const each of all) {
      const last = runs.at(-1);
      if (last !== undefined && each.timestamp - (last.at(-1)?.timestamp ?? 0) <= this.#reach) last.push(each);
      else runs.push([each]);
    }
    const own = runs.find((run) => run.includes(record)) ?? [record];
    const window: PlainWindow = {
      key: record.key,
      start: own[0]?.timestamp ?? 0,
      end: (own.at(-1)?.timestamp ?? 0) + this.#tail,
      records: own,
    };
    if (this.isOver(window)) return { taken: [], belongs: true };
    this.windows = [...this.windows.filter((other) => other.key !== record.key || !own.includes(other.records[0] as RecordStep)), window];
    return { taken: [window], belongs: true };
  }
}

/** A record goes to the first window of its key that holds its time, else it opens one. */
export class PlainStagger extends PlainEventTime {
  readonly #age: number;

  constructor(age: number, lateness: number) {
    super(lateness);
    this.#age = age;
  }

  protected place(record: RecordStep) {
    const holding = this.windows
      .filter(({ key, start, end }) => key === record.key && start <= record.timestamp && record.timestamp < end)
      .sort((a, b) => a.start - b.start);
    const window = holding[0] ?? { key: record.key, start: record.timestamp, end: record.timestamp + this.#age, records: [] };
    if (this.isOver(window)) return { taken: [], belongs: true };
    if (holding.length === 0) this.windows.push(window);
    window.records.push(record);
    return { taken: [window], belongs: true };
  }
}

/** Every n-th record of a key tells all, or (purging) those since the last time. */
export class PlainCounted implements Run {
  readonly #atLeast: number;
  readonly #purging: boolean;
  #records: RecordStep[] = [];
  readonly #since = new Map<string, number>();

  constructor(atLeast: number, purging: boolean) {
    this.#atLeast = atLeast;
    this.#purging = purging;
  }

  step(step: Step): unknown[] {
    if (step.kind === 'time') return [];
    this.#records.push(step);
    const seen = (this.#since.get(step.key) ?? 0) + 1;
    this.#since.set(step.key, seen % this.#atLeast);
    if (seen < this.#atLeast) return [];
    const sum = sumOf(this.#records.filter(({ key }) => key === step.key));
    if (this.#purging) this.#records = this.#records.filter(({ key }) => key !== step.key);
    return [[step.key, sum]];
  }
}

/** Per key, each time the watermark reaches a multiple of the interval after the key's first record: the sum of all. */
export class PlainContinuous implements Run {
  readonly #interval: number;
  readonly #records: RecordStep[] = [];
  #watermark = Number.NEGATIVE_INFINITY;
  readonly #told = new Map<string, number>();

  constructor(interval: number) {
    this.#interval = interval;
  }

  step(step: Step): unknown[] {
    if (step.kind === 'record') {
      this.#records.push(step);
      return [];
    }
    if (step.time <= this.#watermark) return [];
    this.#watermark = step.time;
    const all: unknown[] = [];
    for (const key of new Set(this.#records.map((record) => record.key))) {
      const own = this.#records.filter((record) => record.key === key);
      const first = own[0]?.timestamp ?? 0;
      let newest = Number.NEGATIVE_INFINITY;
      for (let n = -100; n <= 100; n++) {
        const multiple = n * this.#interval;
        if (multiple > first && multiple <= step.time) newest = multiple;
      }
      if (newest > (this.#told.get(key) ?? Number.NEGATIVE_INFINITY)) {
        this.#told.set(key, newest);
        all.push([key, sumOf(own)]);
      }
    }
    return all;
  }
}

/** What each record sees behind it. */
export class PlainLookBack implements Run {
  readonly #span: number;
  readonly #lateness: number;
  readonly #records: RecordStep[] = [];
  #watermark = Number.NEGATIVE_INFINITY;

  constructor(span: number, lateness: number) {
    this.#span = span;
    this.#lateness = lateness;
  }

  step(step: Step): unknown[] {
    if (step.kind === 'time') {
      this.#watermark = Math.max(this.#watermark, step.time);
      return [];
    }
    if (step.timestamp + this.#lateness <= this.#watermark) return ['late'];
    this.#records.push(step);
    const seen = this.#records.filter(
      ({ key, timestamp }) => key === step.key && timestamp >= step.timestamp - this.#span && timestamp <= step.timestamp,
    );
    return [[step.key, step.timestamp - this.#span, step.timestamp, sumOf(seen)]];
  }
}
