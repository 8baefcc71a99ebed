import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** A place in the sources that sends a statement, or holds a part of one. */
export interface Site {
  /** Path from the root of the project. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** What a template's holes leave of it, in order; undefined for a call. */
  readonly parts?: readonly string[];
}

/** Folders that speak to nothing but the local Postgres of a demo, a drill or a bench, and this check itself. */
export const localOnly: readonly string[] = ['demo', 'judge', 'drill', 'bench', 'local', 'house'].map((name) => `scripts/${name}/`);
/** What hands statements on to the driver. */
export const ports: readonly string[] = ['services/lib/warehouse/pg-session.ts'];

const sendingMethods = new Set(['query', 'copyIn']);
/** The beginning of a statement, as this project writes SQL: in capitals. */
const statementStart =
  /^\s*(SELECT\s|INSERT INTO\s|UPDATE \S+ SET\s|DELETE FROM\s|MERGE INTO\s|WITH \S+ AS\s|(CREATE|DROP|ALTER) (OR REPLACE |TEMP )?(TABLE|VIEW|SCHEMA|INDEX)\s|COPY \S|TRUNCATE\s|LOCK TABLE\s|VACUUM\s|ANALYZE\s|UNLOAD\s|GRANT\s|REVOKE\s|CALL \S|REFRESH MATER|SET \S+ TO\s|(BEGIN|COMMIT|ROLLBACK)$)/;
/** As much of it as a file's text shows: what begins so may be a statement. */
const textStart =
  /[`'"]\s*(SELECT|INSERT|UPDATE|DELETE|MERGE|WITH|CREATE|DROP|ALTER|COPY|TRUNCATE|LOCK|VACUUM|ANALYZE|UNLOAD|GRANT|REVOKE|CALL|REFRESH|SET|BEGIN|COMMIT|ROLLBACK)\b/;
/** A piece of a statement; looked for only in files that have to do with the warehouse. */
const piece =
  /\b(FROM|WHERE|JOIN|ON CONFLICT|RETURNING|VALUES|GROUP BY|ORDER BY|PARTITION BY|DISTINCT|CASE WHEN|INTERVAL|LIMIT|UNION|NOT NULL|VARCHAR|DISTSTYLE|DISTKEY|SORTKEY|IS NULL|DEFAULT|(CAST|SUM|COUNT|MIN|MAX|COALESCE|DATE_TRUNC|TO_CHAR|ROW_NUMBER|DATEADD|DATEDIFF) ?\()/;

/** All places of the given folders, in the order of files and lines. */
export function sitesIn(root: string, folders: readonly string[]): Site[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .map((name) => `${folder}/${name}`)
      .filter((file) => file.endsWith('.ts') && !localOnly.some((prefix) => file.startsWith(prefix)))
      .sort()
      .flatMap((file) => sitesOf(file, readFileSync(join(root, file), 'utf8'))),
  );
}

export function sitesOf(file: string, source: string): Site[] {
  const ofWarehouse = file.startsWith('services/lib/warehouse/') || /from '[^']*\/warehouse\/[^']*'/.test(source);
  if (!/\.(query|copyIn)\(/.test(source) && !textStart.test(source) && !(ofWarehouse && piece.test(source))) return [];
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);
  const sites: Site[] = [];
  const add = (node: ts.Node, parts?: readonly string[]): void => {
    const { line, character } = tree.getLineAndCharacterOfPosition(node.getStart(tree));
    sites.push({ file, line: line + 1, column: character + 1, ...(parts && { parts }) });
  };
  const visit = (node: ts.Node): void => {
    if (isMessage(node)) return;
    if (!ports.includes(file) && ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      if (sendingMethods.has(node.expression.name.text) && !forwards(node)) add(node.expression.name);
    }
    const parts = partsOf(node);
    if (parts !== undefined && (statementStart.test(parts[0] ?? '') || (ofWarehouse && parts.some((part) => piece.test(part)))))
      add(node, parts);
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return sites;
}

/** A call that hands on what its function was given: whoever gave it holds the text. */
function forwards({ arguments: [sql], parent }: ts.CallExpression): boolean {
  if (sql === undefined || !ts.isIdentifier(sql)) return false;
  let node: ts.Node = parent;
  while (!ts.isFunctionLike(node)) {
    if (ts.isSourceFile(node)) return false;
    node = node.parent;
  }
  return node.parameters.some(({ name }) => ts.isIdentifier(name) && name.text === sql.text);
}

/** What is said to people may speak of SQL: errors, the log. */
function isMessage(node: ts.Node): boolean {
  if (ts.isNewExpression(node)) return node.expression.getText().endsWith('Error');
  if (!ts.isCallExpression(node)) return false;
  if (node.expression.kind === ts.SyntaxKind.SuperKeyword) return true;
  if (!ts.isPropertyAccessExpression(node.expression)) return false;
  return /^(info|warn|error|debug)$/.test(node.expression.name.text);
}

function partsOf(node: ts.Node): string[] | undefined {
  if (ts.isStringLiteral(node) && !ts.isImportDeclaration(node.parent) && !ts.isLiteralTypeNode(node.parent)) return [node.text];
  if (ts.isNoSubstitutionTemplateLiteral(node)) return [node.text];
  if (ts.isTemplateExpression(node)) return [node.head.text, ...node.templateSpans.map((span) => span.literal.text)];
  return undefined;
}

/** Whether a statement holds the parts one after the other. */
export function holds(sql: string, parts: readonly string[]): boolean {
  let at = 0;
  for (const part of parts) {
    const found = sql.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return true;
}
