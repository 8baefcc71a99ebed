import { ConstraintError, constraintBroken, malformed } from './errors.ts';
import { Timestamp } from './timestamp.ts';

/** A request's members by name, as either codec decodes them. */
export type Input = Readonly<Record<string, unknown>>;

/** AWS names a member in messages by its lower camel case: StreamARN → streamARN. */
const pathOf = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1);

/** Every reader answers undefined for an absent (or null) member and throws an AWS-shaped error for a wrong one. */
export function textIn(input: Input, name: string, rule: { readonly max: number; readonly pattern?: RegExp }): string | undefined {
  const value = input[name] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw malformed(`${name} must be a string`);
  const broken: string[] = [];
  // Not of a longer text: AWS's patterns of ARNs take the square of its length and more.
  if (value.length <= rule.max && rule.pattern?.test(value) === false)
    broken.push(`satisfy regular expression pattern: ${patternText(rule.pattern)}`);
  if (value.length < 1) broken.push('have length greater than or equal to 1');
  if (value.length > rule.max) broken.push(`have length less than or equal to ${rule.max}`);
  if (broken.length > 0) throw constraintBroken(pathOf(name), value, ...broken);
  return value;
}

/** As AWS writes it: without the anchors, the group that they need around alternatives, and the escapes of slashes. */
export const patternText = ({ source }: RegExp): string => source.replace(/^\^(?:\(\?:(.*)\))?|\$$/g, '$1').replaceAll('\\/', '/');

/** The range of an Integer of the service model. */
const minInteger = -2_147_483_648;
const maxInteger = 2_147_483_647;

export function integerIn(input: Input, name: string, min = minInteger, max = maxInteger): number | undefined {
  const value = input[name] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value)) throw malformed(`${name} must be an integer`);
  if (value < min) throw constraintBroken(pathOf(name), value, `have value greater than or equal to ${min}`);
  if (value > max) throw constraintBroken(pathOf(name), value, `have value less than or equal to ${max}`);
  return value;
}

export function booleanIn(input: Input, name: string): boolean | undefined {
  const value = input[name] ?? undefined;
  if (value !== undefined && typeof value !== 'boolean') throw malformed(`${name} must be a boolean`);
  return value;
}

export function oneOfIn<T extends string>(input: Input, name: string, allowed: readonly T[]): T | undefined {
  const value = input[name] ?? undefined;
  if (value === undefined) return undefined;
  const found = allowed.find((candidate) => candidate === value);
  if (found === undefined) throw constraintBroken(pathOf(name), value, `satisfy enum value set: [${allowed.join(', ')}]`);
  return found;
}

/** Epoch ms. JSON carries timestamps as numbers of seconds; CBOR's decoder has made Timestamps of them already. */
export function timestampIn(input: Input, name: string): number | undefined {
  const value = input[name] ?? undefined;
  if (value === undefined) return undefined;
  if (value instanceof Timestamp) return value.epochMs;
  if (typeof value !== 'number' || !Number.isFinite(value)) throw malformed(`${name} must be a timestamp`);
  return Math.round(value * 1_000);
}

export function structureIn(input: Input, name: string): Input | undefined {
  const value = input[name] ?? undefined;
  if (value === undefined) return undefined;
  if (!isStructure(value)) throw malformed(`${name} must be a structure`);
  return value;
}

export function isStructure(value: unknown): value is Input {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value) && !(value instanceof Timestamp)
  );
}

export function required<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw constraintBroken(pathOf(name), undefined, 'not be null');
  return value;
}

/** What each reader answers; when several find a constraint broken, one error names all of it, as AWS does. */
export function together<T extends Readonly<Record<string, () => unknown>>>(readers: T): { readonly [K in keyof T]: ReturnType<T[K]> } {
  const breaches: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, read] of Object.entries(readers)) {
    try {
      values[name] = read();
    } catch (error) {
      if (!(error instanceof ConstraintError)) throw error;
      breaches.push(...error.breaches);
    }
  }
  if (breaches.length > 0) throw new ConstraintError(breaches);
  return values as { readonly [K in keyof T]: ReturnType<T[K]> };
}
