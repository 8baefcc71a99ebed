import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { Vector } from './vector-file.ts';

/** What the library cannot do, or the vector does not say in a way that is understood here: neither true nor false. */
export class Unsupported extends Error {
  override readonly name = 'Unsupported';
}

/** What the library answers to a vector, and whether that is what is expected. */
export interface Answer {
  readonly got: unknown;
  readonly ok: boolean;
}

export type Kind = (vector: Vector) => Answer;

/** Answers exactly what is expected. */
export const exactly =
  <S, I>(spec: z.ZodType<S>, input: z.ZodType<I>, answer: (spec: S, input: I) => unknown): Kind =>
  (vector) =>
    compared(answer(parsed(spec, vector, 'spec'), parsed(input, vector, 'input')), vector.expect);

/** Answers a list of the same things, in any order. */
export const anyOrder =
  <S, I>(spec: z.ZodType<S>, input: z.ZodType<I>, answer: (spec: S, input: I) => readonly unknown[]): Kind =>
  (vector) => {
    const got = answer(parsed(spec, vector, 'spec'), parsed(input, vector, 'input'));
    return { got, ok: sameInAnyOrder(got, vector.expect) };
  };

export const compared = (got: unknown, expect: unknown): Answer => ({ got, ok: isDeepStrictEqual(got, expect) });

export function sameInAnyOrder(got: readonly unknown[], expect: unknown): boolean {
  if (!Array.isArray(expect)) return false;
  const sorted = (list: readonly unknown[]): string[] => list.map((item) => JSON.stringify(item)).sort();
  return isDeepStrictEqual(sorted(got), sorted(expect));
}

/** Throws Unsupported, with what is not understood. */
export function parsed<T>(schema: z.ZodType<T>, vector: Vector, part: 'spec' | 'input' | 'expect'): T {
  const result = schema.safeParse(vector[part]);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${[part, ...issue.path].join('.')}: ${issue.message}`);
  throw new Unsupported(`${vector.kind}: ${problems.join('; ')}`);
}

export const time = z.int();
export const bounds = z.tuple([z.int(), z.int()]);
