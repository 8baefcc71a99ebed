import { trimHorizon } from '../../../../services/lib/kcl/position.ts';
import type { StageCopier } from '../../../../services/lib/warehouse/copy.ts';
import type { Database, Result } from '../../../../services/lib/warehouse/database.ts';
import { checksumOf, migrations } from '../../../../services/lib/warehouse/migrations.ts';

export interface FakeBehaviour {
  readonly onCommit?: () => void;
  /** Before each statement; `copied`: keys that the session copied. What it throws is the statement's error. */
  readonly onStatement?: (sql: string, copied: readonly string[]) => void;
}

/** A warehouse that knows only watermarks and which objects a session copied: files of one row, whose id is their object's key. */
export function fakeWarehouse({ onCommit, onStatement }: FakeBehaviour): { readonly database: Database; readonly copier: StageCopier } {
  const watermarks = new Map<string, string>();
  const copied: string[] = [];
  let open = new Map<string, string>();
  const answer = (sql: string): Partial<Result> => {
    onStatement?.(sql, copied);
    const [, to = '', shard = '', from = ''] =
      /^UPDATE load_watermark SET position = '(.*?)'[^]*shard = '(.*?)' AND position = '(.*?)'/.exec(sql) ?? [];
    if (shard !== '') {
      const there = (open.get(shard) ?? watermarks.get(shard) ?? trimHorizon) === from;
      if (there) open.set(shard, to);
      return { affected: there ? 1 : 0 };
    }
    if (sql.startsWith('SELECT shard, position')) return { rows: [...watermarks].map(([id, at]) => ({ shard: id, position: at })) };
    if (sql.includes('FROM schema_migration')) {
      return { rows: migrations.map((m) => ({ version: m.version, checksum: checksumOf(m, 'redshift') })) };
    }
    if (sql.includes('FROM warehouse_setting')) return { rows: [{ value: 'UTC' }] };
    if (sql.startsWith('SELECT file_id, COUNT(*) AS n FROM load_stage')) return { rows: copied.map((id) => ({ file_id: id, n: 1 })) };
    if (sql.includes('FROM load_alone')) return { rows: [{ n: copied.length }] };
    if (sql.includes('FROM load_kpi')) return { rows: [{ first: '2026-01-20 00:00:00', last: '2026-01-21 00:00:00' }] };
    if (sql === 'COMMIT') {
      onCommit?.();
      for (const [id, at] of open) watermarks.set(id, at);
    }
    return {};
  };
  return {
    database: {
      dialect: 'redshift',
      connect: async () => {
        open = new Map();
        copied.length = 0;
        return {
          dialect: 'redshift',
          query: async (sql) => ({ rows: [], affected: 1, command: sql.split(' ', 1)[0] ?? '', ...answer(sql) }),
          copyIn: async () => {},
          close: async () => {},
        };
      },
    },
    copier: {
      copy: async (session, table, _columns, objects) => {
        copied.push(...objects.map(({ key }) => key));
        await session.query(`COPY ${table}`);
      },
      refusal: async () => undefined,
    },
  };
}
