import type { AlertRecord } from '../../services/lib/alerts/stored-alert.ts';
import { type Color, cut, type Paint, padEnd, padStart, printable, width } from './cells.ts';
import { severityColors, stateColors, stateOf } from './view.ts';
import { utc } from './words.ts';

interface Column {
  readonly title: string;
  readonly isNumber?: true;
  /** May be cut to this many columns where the terminal is narrow. */
  readonly atLeast?: number;
  readonly text: (record: AlertRecord) => string;
  readonly color?: (record: AlertRecord) => Color;
}

const columns: readonly Column[] = [
  { title: 'RAISED (UTC)', text: ({ raisedAt }) => utc(raisedAt) },
  { title: 'STATE', text: stateOf, color: (record) => stateColors[stateOf(record)] },
  { title: 'MODE', text: ({ alert, warming }) => (warming ? `${alert.mode}, warming` : alert.mode) },
  { title: 'SEVERITY', text: ({ alert }) => alert.severity, color: ({ alert }) => severityColors[alert.severity] },
  { title: 'RULE', atLeast: 12, text: ({ alert }) => `${alert.ruleId} v${alert.ruleVersion}` },
  { title: 'USER', atLeast: 8, text: ({ alert }) => printable(alert.key) },
  { title: 'VALUE', isNumber: true, text: ({ alert }) => alert.value.toLocaleString('en-US') },
  { title: 'ALERT', text: ({ alert }) => alert.alertId },
];

/** A header and a line per alert. The rule and the user are cut until a line fits `terminalColumns`; undefined: nothing is cut. */
export function listTable(records: readonly AlertRecord[], terminalColumns: number | undefined, paint: Paint): string[] {
  const rows = records.map((record) => columns.map((column) => column.text(record)));
  const widths = columns.map(({ title }, i) => Math.max(title.length, ...rows.map((row) => width(row[i] ?? ''))));
  if (terminalColumns !== undefined) shrink(widths, terminalColumns);
  const lineOf = (cells: readonly string[], colorOf: (column: Column) => Color | undefined): string =>
    columns
      .map((column, i) => {
        const wanted = widths[i] ?? 0;
        const text = cut(cells[i] ?? '', wanted);
        const padded = column.isNumber ? padStart(text, wanted) : i === columns.length - 1 ? text : padEnd(text, wanted);
        const color = colorOf(column);
        return color === undefined ? padded : paint(padded, color);
      })
      .join('  ');
  const header = lineOf(
    columns.map(({ title }) => title),
    () => 'bold',
  );
  return [header, ...rows.map((row, i) => lineOf(row, ({ color }) => records[i] && color?.(records[i])))];
}

/** The widest of those that may be cut gives a column, until all fit or none is left to give. */
function shrink(widths: number[], terminalColumns: number): void {
  const line = (): number => widths.reduce((sum, w) => sum + w + 2, -2);
  while (line() > terminalColumns) {
    const givers = columns.flatMap(({ atLeast }, i) => (atLeast !== undefined && (widths[i] ?? 0) > atLeast ? [i] : []));
    const widest = givers.sort((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0))[0];
    if (widest === undefined) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
}
