import type { Failure } from '../judge/evidence.ts';
import type { Result } from '../judge/judge.ts';
import type { Percentiles } from '../judge/latency.ts';
import type { Snapshot } from './snapshot.ts';

const count = (n: number): string => n.toLocaleString('en-US');
const table = (rows: readonly (readonly [string, string])[]): string =>
  rows.map(([name, value]) => `  ${name.padEnd(16)}${value}`).join('\n');
const span = ({ p50, p95, p99 }: Percentiles): string => `p50 ${count(p50)} ms, p95 ${count(p95)} ms, p99 ${count(p99)} ms`;

/** The result for people. */
export function resultText(result: Result): string {
  const { alerts, warehouse } = result;
  const rows: [string, string][] = [
    [
      'sent',
      `${count(result.sent)} records: ${count(result.duplicates)} duplicates, ${count(result.disordered)} out of order, ${count(result.late)} late, ${count(result.future)} from the future, ${count(result.malformed)} malformed`,
    ],
    [
      'became',
      `${count(result.routed)} routed + ${count(result.dropped)} dropped, nothing new for analytics + ${count(result.deadLettered)} dead letters`,
    ],
    [
      'alerts',
      `${count(alerts.raised)} of ${count(alerts.expected)} expected; ${alerts.missing} missing, ${alerts.unexpected} unexpected, ${alerts.duplicated} doubled`,
    ],
    ['locks', `${count(result.locks)} accounts`],
    [
      'warehouse',
      `${count(warehouse.rows)} rows of ${count(warehouse.expected)} expected; ${warehouse.missing} missing, ${warehouse.duplicated} doubled`,
    ],
    ['sent → alert', span(result.latencyMs.detect)],
    ['sent → row', span(result.latencyMs.load)],
    ['verdict', result.ok ? 'ok: every record accounted for, every alert as the oracle has it' : 'NOT OK'],
  ];
  return `${table(rows)}\n`;
}

export function failuresText(failures: readonly Failure[]): string {
  return failures
    .map(({ check, count: n, samples }) => `  ${check}: ${count(n)}\n${samples.map((sample) => `    ${sample}`).join('\n')}`)
    .join('\n');
}

/** What a run that nobody judges has to show: the live figures as they were last seen. */
export function totalsText({ totals, drops, deadLetters, skipped, detect }: Snapshot): string {
  const reasons = (values: Readonly<Record<string, number>>): string => {
    const entries = Object.entries(values).sort((a, b) => b[1] - a[1]);
    return entries.length === 0 ? '0' : entries.map(([reason, n]) => `${reason} ${count(n)}`).join(', ');
  };
  if (totals.sent === 0) return 'stopped before anything was sent\n';
  const rows: [string, string][] = [
    ['sent', count(totals.sent)],
    ['routed', count(totals.routed)],
    ['warehouse rows', `${count(totals.rows)} (repeats left out: ${count(totals.repeats)})`],
    [
      'alerts',
      `${count(totals.alerts)}${detect === undefined ? '' : `, sent to published p50 ${count(detect.p50)} ms, p95 ${count(detect.p95)} ms`}`,
    ],
    ['accounts locked', count(totals.locks)],
    ['dead letters', reasons(deadLetters)],
    ['drops', reasons(drops)],
    ['not for rules', reasons(skipped)],
  ];
  return `totals, as last seen:\n${table(rows)}\n`;
}
