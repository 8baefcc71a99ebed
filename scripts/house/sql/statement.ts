import { Dialect, parse, tokenize } from '@polyglot-sql/sdk';

/** A statement as the rules look at it. */
export interface Statement {
  /**
   * Words in capitals, one space between any two tokens and at both ends; no comments; strings are `''`, quoted names `"as written"`.
   * A rule is a pattern on this, so that neither layout nor the content of a string can fool it.
   */
  readonly text: string;
  /** Contents of the string literals, in their order in `text`. */
  readonly strings: readonly string[];
  /** The parser's tree, or why there is none. */
  readonly tree: Tree | ParseFailure;
}

export interface Tree {
  /** What it is, as the parser calls it: `select`, `create_table` … */
  readonly kind: string;
  readonly root: unknown;
}

export interface ParseFailure {
  readonly error: string;
}

/** As tokenize() gives them; its own declarations name the fields otherwise. */
interface Token {
  readonly token_type: string;
  readonly text: string;
}

const rendered: Readonly<Record<string, string>> = {
  STRING: "''",
  ESCAPE_STRING: "E''",
  UNICODE_STRING: "U&''",
  NATIONAL_STRING: "N''",
  BIT_STRING: "B''",
  HEX_STRING: "X''",
  DOLLAR_STRING: '$$',
};

/** Reads one statement in the grammar of Redshift. The parser is lenient: what it accepts may still be Postgres' alone. */
export function readStatement(sql: string): Statement {
  const { tokens: found, error } = tokenize(sql, Dialect.Redshift);
  const tokens = (found ?? []) as unknown as readonly Token[];
  const words = tokens.map(({ token_type, text }) =>
    token_type === 'QUOTED_IDENTIFIER' ? `"${text}"` : (rendered[token_type] ?? text.toUpperCase()),
  );
  return {
    text: ` ${words.join(' ')} `,
    strings: tokens.filter(({ token_type }) => token_type === 'STRING').map(({ text }) => text),
    tree: error ? { error } : treeOf(sql),
  };
}

function treeOf(sql: string): Tree | ParseFailure {
  const { ast, error } = parse(sql, Dialect.Redshift);
  if (error) return { error };
  const roots = (ast ?? []) as readonly Readonly<Record<string, unknown>>[];
  const [root] = roots;
  if (root === undefined || roots.length > 1) return { error: `expected one statement, found ${roots.length}` };
  const kind = Object.keys(root)[0] ?? '';
  return { kind, root: root[kind] };
}

/** Every object of a tree, the outer before the inner. */
export function* nodes(tree: unknown): Generator<Readonly<Record<string, unknown>>> {
  if (typeof tree !== 'object' || tree === null) return;
  if (!Array.isArray(tree)) yield tree as Readonly<Record<string, unknown>>;
  for (const value of Object.values(tree)) yield* nodes(value);
}

/** The content of the brackets that open at `at` in a statement's text, and where they close. */
export function bracketed(text: string, at: number): { readonly inside: string; readonly end: number } {
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    if (text[i] === '(') depth += 1;
    if (text[i] === ')') depth -= 1;
    if (depth === 0) return { inside: text.slice(at + 1, i), end: i };
  }
  return { inside: text.slice(at + 1), end: text.length };
}

/** A bracket's content split at its own commas, those of inner brackets left alone. */
export function argumentsOf(inside: string): string[] {
  const found = [''];
  let depth = 0;
  for (const word of inside.split(' ')) {
    if (word === '(') depth += 1;
    if (word === ')') depth -= 1;
    if (word === ',' && depth === 0) found.push('');
    else found[found.length - 1] += ` ${word}`;
  }
  return found;
}
