import type { Snapshot } from './snapshot.ts';

const plainEveryMs = 5_000;
const shortFrom = 100_000;

/** Where it is written, and how much it may do there. */
export interface Terminal {
  readonly isTty: boolean;
  readonly color: boolean;
  readonly columns: number;
  write(text: string): void;
}

export function terminalOf(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Terminal {
  const isTty = stream.isTTY === true && env['TERM'] !== 'dumb' && env['CI'] === undefined;
  return {
    isTty,
    color: isTty && (env['NO_COLOR'] ?? '') === '',
    columns: stream.columns ?? 120,
    write: (text) => void stream.write(text),
  };
}

/** On a terminal one line that is rewritten; elsewhere a plain line every few seconds. Other lines go above it. */
export class StatusLine {
  readonly #terminal: Terminal;
  readonly #now: () => number;
  #shown = false;
  #lastPlainAt = Number.NEGATIVE_INFINITY;

  constructor(terminal: Terminal, now: () => number) {
    this.#terminal = terminal;
    this.#now = now;
  }

  show(snapshot: Snapshot): void {
    const text = statusText(snapshot);
    if (this.#terminal.isTty) {
      const cut = text.slice(0, Math.max(20, this.#terminal.columns - 1));
      this.#terminal.write(`\r\u001b[2K${this.#terminal.color ? `\u001b[36m${cut}\u001b[0m` : cut}`);
      this.#shown = true;
    } else if (this.#now() - this.#lastPlainAt >= plainEveryMs) {
      this.#lastPlainAt = this.#now();
      this.#terminal.write(`${text}\n`);
    }
  }

  say(text: string): void {
    this.clear();
    this.#terminal.write(`${text}\n`);
  }

  clear(): void {
    if (this.#shown) this.#terminal.write('\r\u001b[2K');
    this.#shown = false;
  }
}

const count = (n: number): string => Math.round(n).toLocaleString('en-US');
const sum = (values: Readonly<Record<string, number>>): number => Object.values(values).reduce((a, b) => a + b, 0);
const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)}s`;
/** A long run's totals in thousands: the line is to fit a terminal. */
const short = (n: number): string => (n < shortFrom ? count(n) : `${count(Math.floor(n / 1_000))}k`);

/** The short figures first: what a narrow terminal cuts off is the drops, whose reasons the page has. */
export function statusText(snapshot: Snapshot): string {
  const { phase, totals, rates, lag, drops, deadLetters, sendingSince, now, detect } = snapshot;
  if (sendingSince === undefined) {
    return `${phase}  ${snapshot.services.map((s) => `${s.name} ${s.state}`).join('  ') || 'local parts'}`;
  }
  const worst = (service: string): string => {
    const its = lag.filter((l) => l.service === service).map((l) => l.ms);
    return its.length === 0 ? '–' : (Math.max(...its) / 1_000).toFixed(1);
  };
  return [
    `${phase} ${Math.floor((now - sendingSince) / 1_000)}s`,
    `lag r/d/l ${worst('event-router')}/${worst('fraud-detector')}/${worst('redshift-loader')} s`,
    `alerts ${short(totals.alerts)}${detect ? ` (p50 ${seconds(detect.p50)})` : ''}`,
    `dead ${short(sum(deadLetters))}`,
    `sent ${short(totals.sent)} (${count(rates.sent)}/s)`,
    `routed ${short(totals.routed)}`,
    `rows ${short(totals.rows)}`,
    `drops ${short(sum(drops))}`,
  ].join('  ');
}
