import type { Differences } from '../check.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|');

/** The list as a table of Markdown: checks that differ for one reason share a row. */
export function differencesTable(differences: Differences): string {
  const rows = new Map<string, { reason: string; evidence: string; ids: string[] }>();
  for (const [id, { reason, evidence }] of Object.entries(differences)) {
    const key = JSON.stringify([reason, evidence]);
    const row = rows.get(key) ?? { reason, evidence, ids: [] };
    rows.set(key, row);
    row.ids.push(id);
  }
  const lines = [...rows.values()].map(({ reason, evidence, ids }) => {
    const [first = '', ...others] = ids;
    const which = others.length > 2 ? `${first}; and ${others.length} alike` : ids.join('; ');
    return `| ${cell(which)} | ${cell(reason)} | ${cell(evidence)} |`;
  });
  return ['| check | kinesis-local 0.6.2 | AWS |', '|---|---|---|', ...lines].join('\n');
}
