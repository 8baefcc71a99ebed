import fc from 'fast-check';

export interface RecordStep {
  readonly kind: 'record';
  readonly key: string;
  readonly timestamp: number;
  readonly value: number;
}

export interface TimeStep {
  readonly kind: 'time';
  /** A watermark, or a stream time from elsewhere. */
  readonly time: number;
}

export type Step = RecordStep | TimeStep;

const keys = ['a', 'b', 'c'] as const;

/** Records of few keys at few times, so that boundaries are hit, and times between them that also go back or jump. */
export const steps = (from: number, to: number, most = 30): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({
          kind: fc.constant('record' as const),
          key: fc.constantFrom(...keys),
          timestamp: fc.integer({ min: from, max: to }),
          value: fc.integer({ min: -5, max: 5 }),
        }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('time' as const), time: fc.integer({ min: from - 5, max: to + 5 }) }) },
    ),
    { maxLength: most },
  );

/** One run of anything under test: what it tells at each step. */
export interface Run {
  step(step: Step): readonly unknown[];
}

export const outputs = (run: Run, all: readonly Step[]): unknown[][] => all.map((step) => [...run.step(step)]);

/** Each step's outputs in one order, for models that do not say which comes first. */
export const unordered = (told: readonly (readonly unknown[])[]): string[][] =>
  told.map((each) => each.map((one) => JSON.stringify(one)).sort());
