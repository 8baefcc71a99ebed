import type { Outcome, Simulation } from '../../test/simulation/simulation.ts';
import type { SimulationName } from './flags.ts';

/** Calls of a run that broke a rule, from its end. */
const tailCalls = 30;
/** More of them tell nothing new. */
const toldViolations = 5;
const progressMs = 2_000;

export interface Totals {
  runs: number;
  violations: number;
  /** By name: calls, crashes, takeovers, reshards and so on. */
  readonly figures: Record<string, number>;
}

export interface SimResult {
  readonly type: 'result';
  ok: boolean;
  readonly simulations: Partial<Record<SimulationName, Totals>>;
}

/** Runs simulations, tells how far they are, and what broke a rule with how to see it again. */
export class Report {
  readonly result: SimResult = { type: 'result', ok: true, simulations: {} };
  readonly #note: (line: string) => void;
  readonly #only: number | undefined;
  readonly #now: () => number;
  #told = 0;
  #progressAt = 0;

  /** `only`: one seed, told call by call. */
  constructor(note: (line: string) => void, only: number | undefined, now: () => number = Date.now) {
    this.#note = note;
    this.#only = only;
    this.#now = now;
    this.#progressAt = now() + progressMs;
  }

  async runAll(
    name: SimulationName,
    simulation: Simulation,
    { seeds, everyCall, signal }: { readonly seeds: number; readonly everyCall: boolean; readonly signal: AbortSignal },
  ): Promise<void> {
    const totals: Totals = { runs: 0, violations: 0, figures: {} };
    this.result.simulations[name] = totals;
    try {
      if (this.#only !== undefined) {
        const outcome = await simulation.run(this.#only);
        for (const line of outcome.trace) this.#note(line);
        this.#add(totals, outcome, `${name}: seed ${this.#only}`);
        return;
      }
      for (let seed = 1; seed <= seeds && !signal.aborted; seed++) {
        this.#add(totals, await simulation.run(seed), `${name}: seed ${seed}, again with SEED=${seed} npm run sim -- --only ${name}`);
        this.#progress(`${name}: ${seed} of ${seeds} seeds, ${totals.violations} violations`);
      }
      if (!everyCall) return;
      for await (const { script, outcome } of simulation.eachCall(1)) {
        if (signal.aborted) return;
        this.#add(totals, outcome, `${name}: ${script} of the plain run`);
        this.#progress(`${name}: ${script}, ${totals.violations} violations`);
      }
    } finally {
      await simulation.close();
    }
  }

  get text(): string {
    return Object.entries(this.result.simulations)
      .map(([name, { runs, violations, figures }]) => {
        const told = Object.entries(figures).map(([what, n]) => `${n.toLocaleString('en')} ${what}`);
        return `${name}: ${runs.toLocaleString('en')} runs, ${violations} violations; ${told.join(', ')}`;
      })
      .join('\n');
  }

  #add(totals: Totals, { figures, violations, trace }: Outcome, what: string): void {
    totals.runs += 1;
    totals.violations += violations.length;
    for (const [name, n] of Object.entries(figures)) totals.figures[name] = (totals.figures[name] ?? 0) + n;
    if (violations.length === 0) return;
    this.result.ok = false;
    if (++this.#told > toldViolations) return;
    this.#note(what);
    if (this.#only === undefined) for (const line of trace.slice(-tailCalls)) this.#note(`    ${line}`);
    for (const { rule, what: where } of violations.slice(0, toldViolations)) this.#note(`  ${rule}: ${where}`);
  }

  #progress(line: string): void {
    if (this.#now() < this.#progressAt) return;
    this.#progressAt = this.#now() + progressMs;
    this.#note(line);
  }
}
