import type { DifferenceFigures } from './difference.ts';
import type { BadLines } from './event-lines.ts';
import type { RuleFigures } from './rule-tally.ts';
import type { TopEntry } from './tally.ts';
import { counted, iso, number } from './words.ts';

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
  readonly bad: { readonly total: number; readonly reasons: readonly BadLines[] };
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

const minPerMillion = 1_000_000;

/** For people. */
export function summaryText(summary: Summary): string {
  const { events, used, late, duplicate, bad, alerts, rules, topKeys, difference, warnings } = summary;
  const lines = [
    '',
    summary.interrupted ? 'Interrupted: this is what was read so far.' : undefined,
    `${counted(events, 'event')}: ${number(used)} used, ${number(late)} late, ${number(duplicate)} duplicate${bad.total > 0 ? `; ${counted(bad.total, 'line')} ${bad.total === 1 ? 'is' : 'are'} no event` : ''}`,
    summary.from === undefined ? undefined : `from ${summary.from} to ${summary.to}`,
    ...bad.reasons.flatMap(badText),
    '',
    counted(alerts, 'alert'),
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
            `  for example ${id}: user ${key} at ${iso(at)}, value ${number(value)} from ${counted(evidenceCount, 'event')}`,
        ),
    ),
    ...(topKeys.keys.length === 0 ? [] : ['', `users with most alerts${topKeys.exact ? '' : ' (at most)'}`]),
    ...topKeys.keys.map(({ name, count }) => `  ${name}  ${number(count)}`),
    ...(difference === undefined ? [] : ['', ...differenceText(difference)]),
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
    'against the other rules file, alert by alert: the same rule at the same event',
    ...table(
      ['rule', 'same', 'only before', 'only after', 'changed'],
      [...difference.rules.map((rule) => row(rule.id, rule)), row('all', difference)],
    ),
    ...differenceWords,
  ];
}

const differenceWords = [
  '  same: raised under both files; only before: under --against alone; only after: under --rules alone;',
  '  changed: under both, but other in more than its rule version, such as severity or evidence',
];

function badText({ reason, count, examples }: BadLines): string[] {
  return [
    `  ${reason}: ${counted(count, 'line')}${count > examples.length ? ', such as' : ''}`,
    ...examples.map(({ line, problem }) => `    line ${number(line)}: ${problem}`),
  ];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd());
}
