/** What came of one run. */
export interface Outcome {
  readonly figures: Readonly<Record<string, number>>;
  readonly violations: readonly Violation[];
  /** Call by call. */
  readonly trace: readonly string[];
}

/** The rule that was broken, and where. */
export interface Violation {
  readonly rule: string;
  readonly what: string;
}

/** Real code among simulated processes, stores and streams: a run follows from its seed alone. */
export interface Simulation {
  run(seed: number): Promise<Outcome>;
  /**
   * One run without chance, once for each of its calls: there the process dies before or after the effect, or the call fails before or
   * after it. Every `step`-th call with one of these in turn; at 1 all calls with all of them.
   */
  eachCall(step: number): AsyncIterable<{ readonly script: string; readonly outcome: Outcome }>;
  close(): Promise<void>;
}
