/** Where the time of the loader goes. */
export const steps = [
  'decode',
  'csv',
  'gzip',
  'put',
  'registry',
  'copy',
  'statistics',
  'repeats',
  'insert',
  'current rows',
  'kpi',
  'ledger',
  'commit',
  'rest of the transaction',
] as const;
export type Step = (typeof steps)[number];
export type StepTimes = Partial<Record<Step, number>>;

/** Milliseconds by step. */
export class Stopwatch {
  readonly ms: StepTimes = {};

  add(step: Step, ms: number): void {
    this.ms[step] = (this.ms[step] ?? 0) + ms;
  }

  sync<T>(step: Step, work: () => T): T {
    const from = performance.now();
    try {
      return work();
    } finally {
      this.add(step, performance.now() - from);
    }
  }

  async time<T>(step: Step, work: () => Promise<T>): Promise<T> {
    const from = performance.now();
    try {
      return await work();
    } finally {
      this.add(step, performance.now() - from);
    }
  }
}

export const sumOf = (times: StepTimes): number => Object.values(times).reduce((a, b) => a + b, 0);

/** Of all steps together. */
export function shares(all: readonly StepTimes[]): { readonly step: Step; readonly share: number }[] {
  const of = (step: Step): number => all.reduce((sum, times) => sum + (times[step] ?? 0), 0);
  const whole = all.reduce((sum, times) => sum + sumOf(times), 0);
  return steps.map((step) => ({ step, share: of(step) / whole }));
}

const patterns: readonly (readonly [RegExp, Step])[] = [
  [/^ANALYZE /, 'statistics'],
  [/^DELETE FROM load_stage |\bload_repeat\b/, 'repeats'],
  [/^INSERT INTO booking_event /, 'insert'],
  [/\bload_latest\b/, 'current rows'],
  [/\b(load_kpi|kpi_hourly|dim_tour)\b/, 'kpi'],
  [/\b(load_ledger|quarantine)\b/, 'ledger'],
  [/^COMMIT$/, 'commit'],
];

/** The step that a statement of the load transaction belongs to. */
export function stepOf(sql: string): Step {
  return patterns.find(([pattern]) => pattern.test(sql))?.[1] ?? 'rest of the transaction';
}
