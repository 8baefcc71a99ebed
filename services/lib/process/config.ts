import { z } from 'zod';
import { PlatformError } from './errors.ts';

/** A zod schema per environment variable; the key is the variable's name. */
export type ConfigShape = Readonly<Record<string, z.ZodType>>;
export type Config<S extends ConfigShape> = Readonly<{ [K in keyof S]: z.output<S[K]> }>;

const secretName = /SECRET|PASSWORD|TOKEN|CREDENTIAL/i;

/**
 * Parses the environment once, at the edge. Throws one CONFIG_INVALID that lists every problem:
 * key, value (secrets masked) and what was expected. The result is frozen.
 */
export function loadConfig<S extends ConfigShape>(shape: S, env: Readonly<Record<string, string | undefined>>): Config<S> {
  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [key, schema] of Object.entries(shape)) {
    const raw = env[key] === '' ? undefined : env[key];
    const result = schema.safeParse(raw);
    if (result.success) {
      values[key] = result.data;
      continue;
    }
    const shown = raw === undefined ? 'is not set' : `is ${secretName.test(key) ? '(hidden)' : JSON.stringify(raw)}`;
    const expected = result.error.issues.map((issue) => issue.message).join('; ');
    const description = schema.description === undefined ? '' : ` (${schema.description})`;
    problems.push(`  ${key} ${shown}: ${expected}${description}`);
  }
  if (problems.length > 0) {
    throw new PlatformError('CONFIG_INVALID', `configuration is invalid, ${problems.length} problem(s):\n${problems.join('\n')}`);
  }
  return Object.freeze(values) as Config<S>;
}

/** A whole number in [min, max], written in digits. */
export const integer = (min: number, max: number): z.ZodType<number, string> =>
  z
    .string()
    .regex(/^-?\d+$/, `expected a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((n) => n >= min && n <= max, `expected a whole number from ${min} to ${max}`);

/** `integer` with a default for when the variable is not set. */
export const integerOr = (fallback: number, min: number, max: number): z.ZodType<number, string | undefined> =>
  integer(min, max)
    .optional()
    .transform((n) => n ?? fallback);

export const text = z.string({ error: 'expected a text' }).min(1, 'expected a text');
export const textOr = (fallback: string): z.ZodType<string, string | undefined> => text.optional().transform((t) => t ?? fallback);
export const flag = z
  .enum(['true', 'false'], { error: 'expected true or false' })
  .optional()
  .transform((t) => t === 'true');

const loopbackHosts = new Set(['127.0.0.1', 'localhost', '[::1]']);
/** In a Postgres URL a parameter `host` takes the place of the host: such a URL is none. */
export function isLoopbackUrl(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { hostname, searchParams } = new URL(url);
  return loopbackHosts.has(hostname) && !searchParams.has('host');
}
