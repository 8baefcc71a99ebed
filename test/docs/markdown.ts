import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));

export interface Page {
  /** Relative to the root of the repository. */
  readonly path: string;
  readonly text: string;
  /** Without fenced blocks: what is shown to be typed or as output is not a reference. */
  readonly prose: string;
}

const skipped = new Set(['node_modules', 'dist', 'coverage']);

/** Every Markdown page of the repository. Folders that git ignores or that start with a dot hold none of ours. */
export function pages(folder = root): Page[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name.startsWith('.') || skipped.has(entry.name) ? [] : pages(path);
    if (!entry.name.endsWith('.md')) return [];
    const text = readFileSync(path, 'utf8');
    return [{ path: relative(root, path), text, prose: withoutFences(text) }];
  });
}

export const withoutFences = (text: string): string => text.replaceAll(/^(```|~~~)[^\n]*\n[\s\S]*?^\1[^\n]*$/gm, '');

/** Targets of links and images, in order: `[text](target)`, `![alt](target)` and `<img src="target">`. */
export function linkTargets(prose: string): string[] {
  const targets = [...prose.matchAll(/\]\(([^)\s]+)(?:\s+"[^"]*")?\)|<img[^>]*\ssrc="([^"]+)"/g)];
  return targets.map((match) => match[1] ?? match[2] ?? '');
}

export const isExternal = (target: string): boolean => /^[a-z][a-z0-9+.-]*:/i.test(target);

export const codeSpans = (prose: string): string[] => [...prose.matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '');

const rooms = ['services/', 'scripts/', 'test/', 'docs/', 'infra/', 'fluentbit/', '.ci/'];

/** True for a code span that names one file or folder of ours; patterns and placeholders name none. */
export const namesPath = (span: string): boolean => rooms.some((room) => span.startsWith(room)) && !/[\s<>*{}…|]/.test(span);

/** Names of package scripts in `npm run x` and `npm test`, fenced blocks included. */
export function npmScripts(text: string): string[] {
  const runs = [...text.matchAll(/\bnpm run ([a-z][\w:-]*)/g)].map((match) => match[1] ?? '');
  return /\bnpm test\b/.test(text) ? [...runs, 'test'] : runs;
}

/** Anchors as GitHub makes them from headings. */
export function anchors(prose: string): Set<string> {
  const headings = [...prose.matchAll(/^#{1,6}\s+(.+)$/gm)].map((match) => match[1] ?? '');
  return new Set(
    headings.map((text) =>
      text
        .trim()
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(/\s/g, '-'),
    ),
  );
}
