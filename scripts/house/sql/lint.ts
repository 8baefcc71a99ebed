import { commands, knownKinds, unknownKinds } from './commands.ts';
import { guide, type Rule, unsupportedFeatures } from './rule.ts';
import { changeRules } from './rules/changes.ts';
import { definitionRules } from './rules/definitions.ts';
import { functionRules } from './rules/functions.ts';
import { queryRules } from './rules/queries.ts';
import { typeRules } from './rules/types.ts';
import { updateRules } from './rules/updates.ts';
import { valueRules } from './rules/values.ts';
import { readStatement, type Statement } from './statement.ts';

export interface Finding {
  /** Of a rule, or `size`, `command`, `parse`, `kind`. */
  readonly id: string;
  readonly instead: string;
  readonly source: string;
}

/** "The maximum size for a single SQL statement is 16 MB." */
const maxStatementBytes = 16 * 1024 * 1024;

/** A row of VALUES that holds nothing but plain literals, as do the two after it: thousands of them say what two say. */
const plainRow = String.raw`\((?:'[^'\\]*'|NULL|[\d\s,.+-])+\)`;
const repeatedRow = new RegExp(`${plainRow},\\s*(?=${plainRow},\\s*${plainRow})`, 'g');

export const allRules: readonly Rule[] = [
  ...changeRules,
  ...updateRules,
  ...queryRules,
  ...definitionRules,
  ...typeRules,
  ...valueRules,
  ...functionRules,
];

/** What keeps Redshift from taking the statement, or from reading it as Postgres does. Sound statements have no findings. */
export function lint(sql: string, rules: readonly Rule[] = allRules): Finding[] {
  if (Buffer.byteLength(sql) > maxStatementBytes) {
    return [{ id: 'size', instead: 'several statements: one holds 16 MB', source: guide('r_INSERT_30') }];
  }
  const statement = readStatement(sql.replaceAll(repeatedRow, ''));
  return [
    ...grammarFindings(statement),
    ...rules.filter((rule) => rule.broken(statement)).map(({ id, instead, source }) => ({ id, instead, source })),
  ];
}

function grammarFindings({ text, tree }: Statement): Finding[] {
  const command = commands[/^ (\w+) /.exec(text)?.[1] ?? ''];
  if (command !== undefined) return command.grammar.test(text) ? [] : [{ id: 'command', ...command }];
  if ('error' in tree)
    return [{ id: 'parse', instead: `a statement of Redshift's grammar (${tree.error})`, source: guide('c_SQL_commands') }];
  if (knownKinds.has(tree.kind)) return [];
  const instead =
    unknownKinds[tree.kind] ?? 'a statement that Redshift has; if it does have this one, name it in scripts/house/sql/commands.ts';
  return [{ id: 'kind', instead, source: `${unsupportedFeatures}, ${guide('c_SQL_commands')}` }];
}
