import { parseArgs } from 'node:util';
import { nearest } from './nearest.ts';

/** What one flag takes. `parse` throws an Error whose message says what was expected. */
export interface Flag<T> {
  readonly value: string | undefined; // placeholder in the help text; undefined: a switch
  readonly help: string;
  readonly repeatable: boolean;
  readonly parse: (texts: readonly string[]) => T;
}

export type FlagTable = Readonly<Record<string, Flag<unknown>>>;
export type Flags<T extends FlagTable> = { readonly [K in keyof T]: T[K] extends Flag<infer V> ? V : never };

/** A wrong command line: exit 2, with the message alone. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const flag = (help: string): Flag<boolean> => ({
  value: undefined,
  help,
  repeatable: false,
  parse: (texts) => texts.length > 0,
});

export const option = <T, const D>(value: string, help: string, fallback: D, parse: (text: string) => T): Flag<T | D> => ({
  value,
  help,
  repeatable: false,
  parse: (texts) => {
    const last = texts.at(-1);
    return last === undefined ? fallback : parse(last);
  },
});

/** An option with a default that is written as on the command line, is parsed like it, and stands in the help text. */
export const preset = <T>(value: string, help: string, fallback: string, parse: (text: string) => T): Flag<T> =>
  option(value, `${help} (default ${fallback})`, parse(fallback), parse);

export const options = <T>(value: string, help: string, parse: (text: string) => T): Flag<readonly T[]> => ({
  value,
  help,
  repeatable: true,
  parse: (texts) => texts.map(parse),
});

/** Parses strictly: an unknown flag, a missing value or a stray word throws UsageError with what to write instead. */
export function parseFlags<T extends FlagTable>(table: T, argv: readonly string[]): Flags<T> {
  const parsed = readTokens(table, argv);
  const values: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(table)) {
    const texts = parsed.get(name) ?? [];
    if (texts.length > 1 && !spec.repeatable) throw new UsageError(`--${name} is given ${texts.length} times; it is taken once`);
    try {
      values[name] = spec.parse(texts);
    } catch (error) {
      throw new UsageError(`--${name} ${texts.join(' ')}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return values as Flags<T>;
}

function readTokens(table: FlagTable, argv: readonly string[]): Map<string, string[]> {
  const shape = Object.fromEntries(
    Object.entries(table).map(([name, f]) => [name, { type: f.value === undefined ? ('boolean' as const) : ('string' as const) }]),
  );
  const { tokens } = parseArgs({ args: [...argv], options: shape, strict: false, allowPositionals: true, tokens: true });
  const found = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') throw new UsageError(`unexpected argument '${token.value}'`);
    if (token.rawName === '-h' && table['help'] !== undefined) {
      found.set('help', ['']);
      continue;
    }
    const spec = table[token.name];
    if (spec === undefined || !token.rawName.startsWith('--')) throw new UsageError(unknownFlag(token.rawName, Object.keys(table)));
    if (spec.value === undefined && token.value !== undefined) throw new UsageError(`--${token.name} takes no value`);
    const swallowed = token.value?.startsWith('--') && token.inlineValue !== true; // `--seed --json`: the next flag is not a value
    if (spec.value !== undefined && (token.value === undefined || swallowed))
      throw new UsageError(`--${token.name} needs a value: --${token.name} ${spec.value}`);
    found.set(token.name, [...(found.get(token.name) ?? []), token.value ?? '']);
  }
  return found;
}

function unknownFlag(raw: string, known: readonly string[]): string {
  const name = raw.replace(/^-+/, '');
  const meant = nearest(name, known);
  const hint = meant === undefined ? '; --help lists them' : `; did you mean --${meant}?`;
  return `unknown flag ${raw}${hint}`;
}

/** The flags as aligned lines of a help text. */
export function flagHelp(table: FlagTable): string {
  const left = Object.entries(table).map(([name, f]) => `  --${name}${f.value === undefined ? '' : ` ${f.value}`}`);
  const width = Math.max(...left.map((l) => l.length)) + 2;
  return Object.values(table)
    .map((f, i) => `${(left[i] ?? '').padEnd(width)}${f.help}`)
    .join('\n');
}
