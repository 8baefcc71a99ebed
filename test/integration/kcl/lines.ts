import { fileURLToPath } from 'node:url';
import { jarSets } from '../../../scripts/setup/jars.mjs';
import type { KclLine } from '../../../services/lib/kcl/kcl-line.ts';
import { requirePart } from '../../support/optional.ts';

const { kcl, kcl3 } = jarSets(fileURLToPath(new URL('../../..', import.meta.url)));

/** The lines to test on: `usual`, or what KCL_LINES says, such as 3 or 2,3. */
export const kclLines = (usual: readonly KclLine[]): readonly KclLine[] =>
  process.env['KCL_LINES']?.split(',').map((line) => (line === '3' ? 3 : 2)) ?? usual;

export const jarsOf = (line: KclLine): string => (line === 3 ? kcl3 : kcl).folder;

/** Skips, or fails, what needs the real daemon of this line. */
export function requireKcl(context: Mocha.Context, line: KclLine = 2): void {
  for (const part of ['java', line === 3 ? 'kcl-3-jars' : 'kcl-jars', 'dynamodb-local'] as const) requirePart(context, part);
}
