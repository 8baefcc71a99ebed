import { readFile } from 'node:fs/promises';
import { pictures } from './pictures.ts';

const operators = new URL('operators.ts', import.meta.url);
const marked = /<!-- (code|picture): ([a-z-]+) -->(?:\n```\w*\n[\s\S]*?\n```)?/g;

/** The page with its code and pictures made anew. Throws where it asks for one that there is not, or leaves one out. */
export async function windowsPage(page: string): Promise<string> {
  const codes = withImports(await readFile(operators, 'utf8'));
  const unused = new Set([...[...codes.keys()].map((name) => `code: ${name}`), ...Object.keys(pictures).map((name) => `picture: ${name}`)]);
  const made = page.replaceAll(marked, (_whole, kind: string, name: string) => {
    const content = kind === 'code' ? codes.get(name) : pictures[name]?.();
    if (content === undefined) throw new Error(`docs/windows.md asks for ${kind}: ${name}, which there is not`);
    unused.delete(`${kind}: ${name}`);
    return `<!-- ${kind}: ${name} -->\n\`\`\`${kind === 'code' ? 'ts' : 'text'}\n${content}\n\`\`\``;
  });
  if (unused.size > 0) throw new Error(`docs/windows.md leaves out ${[...unused].join(', ')}`);
  return made;
}

/** Each region with the imports that it needs, as in a file in the root of the repository. */
function withImports(source: string): Map<string, string> {
  const imports = [...source.matchAll(/^import (type )?\{([^}]+)\} from '(?:\.\.\/)+([^']+)';$/gm)].map(
    ([, type = '', names = '', path = '']) => ({
      type,
      names: names.split(',').map((name) => name.trim()),
      path,
    }),
  );
  const needed = (code: string): string[] => {
    const words = new Set(code.replaceAll(/\/\*.*?\*\/|\/\/.*|'[^']*'|\.\w+/g, '').match(/\w+/g));
    return imports.flatMap(({ type, names, path }) => {
      const used = names.filter((name) => words.has(name.replace(/^type /, '')));
      return used.length === 0 ? [] : [`import ${type}{ ${used.join(', ')} } from './${path}';`];
    });
  };
  return new Map([...regions(source)].map(([name, code]) => [name, [...needed(code), '', code].join('\n')]));
}

/** The text between `// #region NAME` and `// #endregion`, moved to the left. */
export function regions(source: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, name = '', body = ''] of source.matchAll(/\/\/ #region ([a-z-]+)\n([\s\S]*?)\n *\/\/ #endregion/g)) {
    const lines = body.split('\n');
    const indent = Math.min(...lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/)));
    found.set(name, lines.map((line) => line.slice(indent)).join('\n'));
  }
  return found;
}
