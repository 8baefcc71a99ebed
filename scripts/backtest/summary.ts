import type { DifferenceFigures } from './difference.ts';
import type { BadLines } from './event-lines.ts';
import type { RuleFigures } from './rule-tally.ts';
import type { TopEntry } from './tally.ts';

/** What a backtest found. The same files give the same summary. */
export interface Summary {
  readonly type: 'summary';
  /** The file was not read to its end (Ctrl-C). */
  readonly interrupted: boolean;
  /** Without blank ones. */
  readonly lines: number;
  readonly events: number;
  readonly used: number;
  readonly late: number;
  readonly duplicate: number;
  readonly bad: { readonly total: number; readonly reasons: readonly Readonly<BadLines>[] };
  /** Event time of the events used, ISO 8601; absent when none was. */
  readonly from?: string;
  readonly to?: string;
  readonly alerts: number;
  readonly rules: readonly RuleFigures[];
  /** By alerts. `exact`: false when counts are upper bounds, since more keys raised alerts than are counted one by one. */
  readonly topKeys: { readonly exact: boolean; readonly keys: readonly TopEntry[] };
  /** Events that a bound of memory has cost: above 0, alerts may be missing. */
  readonly evicted: number;
  readonly difference?: DifferenceFigures & { readonly rules: readonly (DifferenceFigures & { readonly id: string })[] };
  readonly warnings: readonly string[];
}

const number = (n: number): string => n.toLocaleString('en-US');
const minPerMillion = 1_000_000;

/** For people. */
export function summaryText(summary: Summary): string {
  const { events, used, late, duplicate, bad, alerts, rules, topKeys, evicted, difference, warnings } = summary;
  const lines = [
    '',
    summary.interrupted ? 'Interrupted: this is what was read so far.' : undefined,
    `${number(events)} events: ${number(used)} used, ${number(late)} late, ${number(duplicate)} duplicate${bad.total > 0 ? `; ${number(bad.total)} lines are no event` : ''}`,
    summary.from === undefined ? undefined : `from ${summary.from} to ${summary.to}`,
    ...bad.reasons.map(({ reason, count, firstLine, error }) => `  ${reason}: ${number(count)}, the first in line ${firstLine}: ${error}`),
    '',
    `${number(alerts)} alerts`,
    ...table(
      ['rule', 'version', 'mode', 'matched', 'alerts', 'per million events'],
      rules.map((rule) => [
        rule.id,
        String(rule.version),
        rule.mode,
        number(rule.matched),
        number(rule.alerts),
        number(Math.round(rule.fireRate * minPerMillion)),
      ]),
    ),
    ...rules.flatMap(({ id, examples }) =>
      examples
        .slice(0, 1)
        .map(
          ({ key, at, value, evidenceCount }) =>
            `  for example ${id}: user ${key} at ${iso(at)}, value ${number(value)} from ${number(evidenceCount)} events`,
        ),
    ),
    ...(topKeys.keys.length === 0 ? [] : ['', `users with most alerts${topKeys.exact ? '' : ' (at most)'}`]),
    ...topKeys.keys.map(({ name, count }) => `  ${name}  ${number(count)}`),
    ...(difference === undefined ? [] : ['', ...differenceText(difference)]),
    ...(evicted === 0 ? [] : ['', `${number(evicted)} events were evicted`]),
    ...(warnings.length === 0 ? [] : ['', ...warnings.map((warning) => `warning: ${warning}`)]),
  ];
  return `${lines.filter((line) => line !== undefined).join('\n')}\n`;
}

function differenceText(difference: NonNullable<Summary['difference']>): string[] {
  const row = (name: string, { same, onlyBefore, onlyAfter, changed }: DifferenceFigures): string[] => [
    name,
    ...[same, onlyBefore, onlyAfter, changed].map(number),
  ];
  return [
    'against the other rules file',
    ...table(
      ['rule', 'same', 'only before', 'only after', 'changed'],
      [...difference.rules.map((rule) => row(rule.id, rule)), row('all', difference)],
    ),
  ];
}

export const iso = (ms: number): string => new Date(ms).toISOString();

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd());
}
