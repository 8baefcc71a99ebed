import ts from 'typescript';

export interface Mutant {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** The line as it stands, trimmed: it finds the mutant again after other lines were edited. */
  readonly code: string;
  /** `<` to `<=` for example; with its place among equal ones of the line when there are several. */
  readonly change: string;
  readonly mutated: string;
}

const boundaries = new Map<ts.SyntaxKind, string>([
  [ts.SyntaxKind.LessThanToken, '<='],
  [ts.SyntaxKind.LessThanEqualsToken, '<'],
  [ts.SyntaxKind.GreaterThanToken, '>='],
  [ts.SyntaxKind.GreaterThanEqualsToken, '>'],
]);

/** Every mutant of a file: one comparison with its boundary moved, or one `+ 1` or `- 1` left out. */
export function mutantsOf(file: string, text: string): Mutant[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const mutants: Mutant[] = [];
  const seen = new Map<string, number>();
  const add = (node: ts.Node, replacement: string): void => {
    const start = node.getStart(source);
    const line = source.getLineAndCharacterOfPosition(start).line;
    const code = (text.split('\n')[line] ?? '').trim();
    const change = `${node.getText(source)} to ${replacement}`;
    const same = (seen.get(`${line} ${change}`) ?? 0) + 1;
    seen.set(`${line} ${change}`, same);
    mutants.push({
      file,
      line: line + 1,
      code,
      change: same === 1 ? change : `${change} (${same})`,
      mutated: text.slice(0, start) + replacement + text.slice(node.end),
    });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isBinaryExpression(node)) {
      const { kind } = node.operatorToken;
      const moved = boundaries.get(kind);
      if (moved !== undefined) add(node.operatorToken, moved);
      const adds = kind === ts.SyntaxKind.PlusToken || kind === ts.SyntaxKind.MinusToken;
      if (adds && ts.isNumericLiteral(node.right) && node.right.text === '1') add(node.right, '0');
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return mutants;
}
