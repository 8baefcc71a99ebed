import type { FaultRow } from './campaign.ts';

const seconds = (ms: number | undefined): string => (ms === undefined ? 'never' : `${(ms / 1_000).toFixed(1)} s`);

/** One line a fault: when its effects came again, when all was well, and what `who` counted meanwhile. */
export function faultTable(rows: readonly FaultRow[], startedAt: number, who: string): string {
  const width = Math.max(...rows.map(({ name }) => name.length), 'fault'.length);
  const line = (cells: readonly [string, string, string, string, string]): string =>
    `  ${cells[0].padStart(7)}  ${cells[1].padEnd(width)}  ${cells[2].padStart(8)}  ${cells[3].padStart(9)}  ${cells[4]}`.trimEnd();
  const counted = (row: FaultRow): string =>
    Object.entries(row.counted)
      .map(([name, n]) => `${name.replaceAll('_', ' ')} ${n}`)
      .join(', ');
  return [
    line(['at', 'fault', 'resumed', 'recovered', `${who} counted`]),
    ...rows.map((row) =>
      line([seconds(row.startedAt - startedAt), row.name, seconds(row.resumedMs), seconds(row.recoveredMs), counted(row)]),
    ),
  ]
    .map((text) => `${text}\n`)
    .join('');
}
