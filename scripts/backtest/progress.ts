import { counted, number } from './words.ts';

const ttyEveryMs = 250;
const plainEveryMs = 5_000;

export interface ProgressStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** How far a backtest is and how fast: on a terminal one line that is rewritten, elsewhere a line every few seconds. */
export class Progress {
  readonly #out: ProgressStream;
  readonly #now: () => number;
  readonly #size: number | undefined;
  readonly #startedAt: number;
  #shownAt: number;

  /** `size`: bytes of the event file, when it is known. */
  constructor(out: ProgressStream, now: () => number, size: number | undefined) {
    this.#out = out;
    this.#now = now;
    this.#size = size;
    this.#startedAt = now();
    this.#shownAt = this.#startedAt;
  }

  show(at: { readonly bytes: number; readonly events: number; readonly alerts: number }, isEnd = false): void {
    const now = this.#now();
    const isTty = this.#out.isTTY === true;
    if (!isEnd && now - this.#shownAt < (isTty ? ttyEveryMs : plainEveryMs)) return;
    this.#shownAt = now;
    const seconds = Math.max(0.001, (now - this.#startedAt) / 1_000);
    const share = this.#size ? `, ${Math.floor((100 * at.bytes) / this.#size)} % of the file` : '';
    const text = `${counted(at.events, 'event')}${share}, ${counted(at.alerts, 'alert')}, ${seconds.toFixed(1)} s, ${number(at.events / seconds)} events/s`;
    this.#out.write(isTty ? `\r\u001b[2K${text}${isEnd ? '\n' : ''}` : `${text}\n`);
  }
}
