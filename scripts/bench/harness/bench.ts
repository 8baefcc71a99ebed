import type { Flags, FlagTable } from '../../cli/flags.ts';

/** One figure of a bench; `atLeast` and `atMost` make it a judgement. */
export interface Figure {
  /** Key in the JSON result. */
  readonly name: string;
  readonly label: string;
  readonly value: number;
  readonly unit: string;
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** A bench: scripts/bench/NAME.ts exports one as `bench`. */
export interface Bench<T extends FlagTable = FlagTable> {
  readonly summary: string;
  /** Its own flags on the command line. */
  readonly flags: T;
  /** Progress goes to `report`. Rejects when it cannot run at all. */
  run(report: (line: string) => void, signal: AbortSignal, flags: Flags<T>): Promise<readonly Figure[]>;
}

export const isMet = ({ value, atLeast = Number.NEGATIVE_INFINITY, atMost = Number.POSITIVE_INFINITY }: Figure): boolean =>
  value >= atLeast && value <= atMost;

/** The figures as aligned lines for people. */
export function table(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [figure.label, format(figure.value), figure.unit, verdict(figure)]);
  const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  return rows
    .map(([label = '', value = '', unit = '', verdict = '']) =>
      `${label.padEnd(width(0))}  ${value.padStart(width(1))} ${unit.padEnd(width(2))}  ${verdict}`.trimEnd(),
    )
    .join('\n');
}

/** The result line of `--json`. */
export function resultLine(figures: readonly Figure[]): string {
  const values = Object.fromEntries(figures.map(({ name, value }) => [name, Math.round(value * 1_000) / 1_000]));
  return JSON.stringify({ type: 'result', ok: figures.every(isMet), ...values });
}

function verdict(figure: Figure): string {
  const bars = [
    ...(figure.atLeast === undefined ? [] : [`at least ${figure.atLeast}`]),
    ...(figure.atMost === undefined ? [] : [`at most ${figure.atMost}`]),
  ];
  return bars.length === 0 ? '' : `${isMet(figure) ? 'ok' : 'NOT MET'}, ${bars.join(', ')}`;
}

const format = (value: number): string => (value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(2));

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
