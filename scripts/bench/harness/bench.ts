/** One figure of a bench; `atLeast` makes it a judgement. */
export interface Figure {
  /** Key in the JSON result. */
  readonly name: string;
  readonly label: string;
  readonly value: number;
  readonly unit: string;
  readonly atLeast?: number;
}

/** A bench: scripts/bench/NAME.ts exports one as `bench`. */
export interface Bench {
  readonly summary: string;
  /** Progress goes to `report`. Rejects when it cannot run at all. */
  run(report: (line: string) => void, signal: AbortSignal): Promise<readonly Figure[]>;
}

export const isMet = ({ value, atLeast }: Figure): boolean => atLeast === undefined || value >= atLeast;

/** The figures as aligned lines for people. */
export function table(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.label,
    format(figure.value),
    figure.unit,
    figure.atLeast === undefined ? '' : `${isMet(figure) ? 'ok' : 'NOT MET'}, at least ${figure.atLeast}`,
  ]);
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

const format = (value: number): string => (value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(2));

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
