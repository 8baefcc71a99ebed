import type { RecordStep, Run, Step } from './steps.ts';

/**
 * Kafka's windows, plainly: all records are kept, and after every step the windows are worked out anew from those that were taken. Told
 * is [key, start, end, sum].
 */
abstract class PlainStreamTime implements Run {
  protected taken: RecordStep[] = [];
  protected streamTime = Number.NEGATIVE_INFINITY;
  protected readonly grace: number;
  readonly #emit: 'on-update' | 'on-close';

  constructor(grace: number, emit: 'on-update' | 'on-close') {
    this.grace = grace;
    this.#emit = emit;
  }

  protected get closeTime(): number {
    return this.streamTime - this.grace;
  }

  /** Takes the record where a window of it is open; returns the open windows that changed. */
  protected abstract take(record: RecordStep): { changed: string[]; used: boolean };
  /** All windows that are open, by a name. */
  protected abstract open(): Map<string, { key: string; start: number; end: number; records: RecordStep[] }>;
  protected abstract closeUp(): { key: string; start: number; end: number; records: RecordStep[] }[];

  step(step: Step): unknown[] {
    const time = step.kind === 'record' ? step.timestamp : step.time;
    const told: unknown[] = [];
    this.streamTime = Math.max(this.streamTime, time);
    if (step.kind === 'record') {
      const { changed, used } = this.take(step);
      if (!used) told.push(['dropped', step.timestamp]);
      const windows = this.open();
      if (this.#emit === 'on-update') told.push(...changed.map((name) => tell(windows.get(name))));
    }
    const closed = this.closeUp();
    if (this.#emit === 'on-close') told.push(...closed.map(tell));
    return told;
  }
}

const tell = (window: { key: string; start: number; end: number; records: RecordStep[] } | undefined): unknown =>
  window === undefined
    ? 'no such window'
    : [window.key, window.start, window.end, window.records.reduce((sum, { value }) => sum + value, 0)];

interface Kept {
  key: string;
  start: number;
  end: number;
  records: RecordStep[];
}

const nameOf = ({ key, start }: { key: string; start: number }): string => `${key} ${start}`;

export class PlainStreamFixed extends PlainStreamTime {
  readonly #size: number;
  readonly #slide: number;
  #windows: Kept[] = [];

  constructor(size: number, slide: number, grace: number, emit: 'on-update' | 'on-close') {
    super(grace, emit);
    this.#size = size;
    this.#slide = slide;
  }

  protected take(record: RecordStep) {
    const changed: string[] = [];
    for (let start = 0; start <= record.timestamp; start += this.#slide) {
      const end = start + this.#size;
      if (record.timestamp >= end || end <= this.closeTime) continue;
      let window = this.#windows.find((other) => other.key === record.key && other.start === start);
      if (window === undefined) this.#windows.push((window = { key: record.key, start, end, records: [] }));
      window.records.push(record);
      changed.push(nameOf(window));
    }
    return { changed, used: changed.length > 0 };
  }

  protected open() {
    return new Map(this.#windows.map((window) => [nameOf(window), window]));
  }

  protected closeUp() {
    const closed = this.#windows.filter(({ end }) => end <= this.closeTime);
    this.#windows = this.#windows.filter(({ end }) => end > this.closeTime);
    return closed;
  }
}

export class PlainStreamSessions extends PlainStreamTime {
  readonly #gap: number;
  #sessions: Kept[] = [];

  constructor(gap: number, grace: number, emit: 'on-update' | 'on-close') {
    super(grace, emit);
    this.#gap = gap;
  }

  protected take(record: RecordStep) {
    const near = this.#sessions.filter(
      ({ key, records }) => key === record.key && records.some(({ timestamp }) => Math.abs(timestamp - record.timestamp) <= this.#gap),
    );
    const records = [...near.flatMap((session) => session.records), record];
    const times = records.map(({ timestamp }) => timestamp);
    const session = { key: record.key, start: Math.min(...times), end: Math.max(...times), records };
    if (session.end + this.#gap < this.closeTime) return { changed: [], used: false };
    this.#sessions = [...this.#sessions.filter((other) => !near.includes(other)), session];
    return { changed: [nameOf(session)], used: true };
  }

  protected open() {
    return new Map(this.#sessions.map((session) => [nameOf(session), session]));
  }

  protected closeUp() {
    const over = ({ end }: Kept): boolean => end + this.#gap < this.closeTime;
    const closed = this.#sessions.filter(over);
    this.#sessions = this.#sessions.filter((session) => !over(session));
    return closed;
  }
}

/** Of all pairs of bounds that any record ever made, those that are open; what is in them is looked up among all records. */
export class PlainSliding extends PlainStreamTime {
  readonly #difference: number;
  /** Windows that were there while they were open. */
  #known = new Map<string, { key: string; start: number }>();

  constructor(difference: number, grace: number, emit: 'on-update' | 'on-close') {
    super(grace, emit);
    this.#difference = difference;
  }

  protected take(record: RecordStep) {
    if (record.timestamp + this.#difference < this.closeTime) return { changed: [], used: false };
    this.taken.push(record);
    const existed = new Set(this.#known.keys());
    for (const { key, timestamp } of this.taken) {
      const own = { key, start: Math.max(0, timestamp - this.#difference) };
      const isNew = key === record.key && timestamp === record.timestamp;
      if (isNew && own.start + this.#difference >= this.closeTime) this.#known.set(nameOf(own), own);
      const after = { key, start: timestamp + 1 };
      if (after.start + this.#difference >= this.closeTime && this.#in(after).length > 0) this.#known.set(nameOf(after), after);
    }
    const changed = [...this.#known.values()].filter(
      (window) => !existed.has(nameOf(window)) || (window.key === record.key && this.#in(window).includes(record)),
    );
    return { changed: changed.map(nameOf), used: true };
  }

  protected open() {
    const kept = [...this.#known.values()].map((window): [string, Kept] => [
      nameOf(window),
      { ...window, end: window.start + this.#difference, records: this.#in(window) },
    ]);
    return new Map(kept);
  }

  protected closeUp() {
    const closed = [...this.open().values()].filter(({ end }) => end < this.closeTime);
    for (const window of closed) this.#known.delete(nameOf(window));
    return closed;
  }

  #in({ key, start }: { key: string; start: number }): RecordStep[] {
    return this.taken.filter((record) => record.key === key && record.timestamp >= start && record.timestamp <= start + this.#difference);
  }
}
