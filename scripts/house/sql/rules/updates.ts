import { guide, type Rule } from '../rule.ts';
import { nodes, type Statement } from '../statement.ts';

type Node = Readonly<Record<string, unknown>>;

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null;
const child = (node: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>((at, key) => (isNode(at) ? at[key] : undefined), node);
const nameOf = (value: unknown): string | undefined => {
  const name = child(value, 'name');
  return typeof name === 'string' ? name.toLowerCase() : undefined;
};

/** The conditions that a WHERE joins by AND. */
function conjuncts(condition: unknown): unknown[] {
  const and = child(condition, 'and');
  if (and !== undefined) return [...conjuncts(child(and, 'left')), ...conjuncts(child(and, 'right'))];
  const inner = child(condition, 'paren', 'this');
  return inner === undefined ? [condition] : conjuncts(inner);
}

function tablesIn(condition: unknown): Set<string> {
  const found = new Set<string>();
  for (const node of nodes(condition)) {
    const table = nameOf(child(node, 'column', 'table'));
    if (table !== undefined) found.add(table);
  }
  return found;
}

/** UPDATE … FROM whose target is tied to the other tables by anything but equality, or by an outer join. */
function lacksEquijoin({ tree }: Statement): boolean {
  if (!('kind' in tree) || tree.kind !== 'update' || !child(tree.root, 'from_clause')) return false;
  const joins = child(tree.root, 'from_joins');
  if (Array.isArray(joins) && joins.some((join) => /Left|Right|Full/.test(String(child(join, 'kind'))))) return true;
  const target = nameOf(child(tree.root, 'table', 'alias')) ?? nameOf(child(tree.root, 'table', 'name')) ?? '';
  const ties = conjuncts(child(tree.root, 'where_clause', 'this')).filter((condition) => {
    const tables = tablesIn(condition);
    return tables.has(target) && tables.size > 1;
  });
  return ties.length === 0 || ties.some((condition) => child(condition, 'eq') === undefined);
}

export const updateRules: readonly Rule[] = [
  {
    id: 'update-equijoin',
    broken: lacksEquijoin,
    instead:
      'UPDATE … FROM x WHERE target.k = x.k AND …: nothing but equality between the target and the others, inequalities in a subquery',
    source: `${guide('r_UPDATE')} (usage notes)`,
    refuses: 'UPDATE t SET b = u.b FROM u WHERE t.a = u.a AND t.b < u.b',
  },
];
