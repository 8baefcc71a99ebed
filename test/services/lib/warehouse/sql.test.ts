import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { position, trimHorizon } from '../../../../services/lib/kcl/position.ts';
import { PlatformError } from '../../../../services/lib/process/errors.ts';
import {
  postgresCopier,
  redshiftCopier,
  redshiftCopySql,
  redshiftManifest,
  type StageCopier,
} from '../../../../services/lib/warehouse/copy.ts';
import type { Database, Result, Session } from '../../../../services/lib/warehouse/database.ts';
import { createTable } from '../../../../services/lib/warehouse/ddl.ts';
import { deadHoldersSql, endDeadHolders, takeGate } from '../../../../services/lib/warehouse/gate.ts';
import { type LoadBatch, load } from '../../../../services/lib/warehouse/load.ts';
import { checksumOf, migrations } from '../../../../services/lib/warehouse/migrations.ts';
import { bookingEvent, loadWatermark, tables } from '../../../../services/lib/warehouse/model.ts';
import { sessionSettings } from '../../../../services/lib/warehouse/pg-session.ts';
import { integerLiteral, literal, textLiteral, timestampText } from '../../../../services/lib/warehouse/sql.ts';
import { MemoryStore } from '../../redshift-loader/memory.ts';

const batch: LoadBatch = {
  batchId: 'batch-1',
  application: 'loader',
  streamId: 'booking-events@1',
  chains: [
    {
      shardId: 'shard-0',
      files: [
        {
          fileId: 'f1',
          from: trimHorizon,
          to: position('7'),
          rows: 2,
          object: { key: 'stage/f1.csv.gz', size: 10, sha256: 'aa' },
          occurred: [Date.UTC(2026, 0, 20), Date.UTC(2026, 0, 21)],
        },
        {
          fileId: 'f2',
          from: position('7'),
          to: position('9', 3),
          rows: 0,
          quarantined: [{ line: 1, reason: 'refused', detail: "it's \0 odd", content: 'é'.repeat(5_000) }],
        },
      ],
    },
  ],
};

/** Answers every statement as a warehouse without any state would, and keeps the texts. */
function recordingSession(dialect: 'redshift' | 'postgres'): { session: Session; statements: string[] } {
  const statements: string[] = [];
  const session: Session = {
    dialect,
    async query(sql): Promise<Result> {
      statements.push(sql);
      const counted = sql.startsWith('SELECT file_id') && sql.includes('load_stage') ? [{ file_id: 'f1', n: '2' }] : [];
      const hours = sql.includes('MIN(hour)') ? [{ first: '2026-01-20 00:00:00', last: '2026-01-21 00:00:00' }] : [];
      return { rows: [...counted, ...hours], affected: 1, command: sql.split(' ', 1)[0] ?? '' };
    },
    async copyIn(sql) {
      statements.push(sql);
    },
    async close() {},
  };
  return { session, statements };
}

const noCopy: StageCopier = { async copy() {}, refusal: async () => undefined };

/** What Postgres accepts and Redshift does not (or reads differently). */
const postgresOnly =
  /\bON CONFLICT\b|\bRETURNING\b|\bDISTINCT ON\b|\bFILTER\s*\(|::|\bTEXT\b|\bUUID\b|\bJSONB?\b|\bSERIAL\b|\bON COMMIT\b|\bCREATE (UNIQUE )?INDEX\b|\bARRAY\b|\bILIKE ANY\b|\bTRUNCATE\b/i;

describe('warehouse SQL', () => {
  it('prints one model for both dialects', () => {
    assert.deepEqual(createTable(loadWatermark, 'redshift'), [
      'CREATE TABLE load_watermark (\n  application VARCHAR(128) NOT NULL,\n  stream VARCHAR(160) NOT NULL,\n  shard VARCHAR(128) NOT NULL,\n  position VARCHAR(140) NOT NULL\n) DISTSTYLE ALL',
    ]);
    const redshift = createTable(bookingEvent, 'redshift').join('');
    assert.match(redshift, /extra SUPER,/);
    assert.match(redshift, /\) DISTSTYLE KEY DISTKEY \(booking_id\) SORTKEY \(occurred_at\)$/);
    const [create, ...indexes] = createTable(bookingEvent, 'postgres');
    assert.match(create ?? '', /extra JSONB,/);
    assert.doesNotMatch(create ?? '', /DISTKEY|SORTKEY|SUPER/);
    assert.deepEqual(indexes, [
      'CREATE INDEX booking_event_event_id ON booking_event (event_id)',
      'CREATE INDEX booking_event_occurred_at ON booking_event (occurred_at)',
    ]);
  });

  it('says nothing to Redshift that only Postgres understands', async () => {
    const { session, statements } = recordingSession('redshift');
    assert.equal((await load(session, noCopy, batch, () => 0)).kind, 'committed');
    const all = [...statements, ...migrations.flatMap((m) => m.statements('redshift')), deadHoldersSql('redshift', 60_000)];
    assert(all.length > 25);
    for (const sql of all) assert.doesNotMatch(sql.replace(/'[^']*'/g, "''"), postgresOnly);
  });

  it('takes the gate first, then swaps, and writes the ledger last before COMMIT', async () => {
    const { session, statements } = recordingSession('postgres');
    await load(session, noCopy, batch, () => Date.UTC(2026, 0, 22));
    assert.deepEqual(statements.slice(0, 2), ['BEGIN', 'UPDATE load_gate SET n = n + 1']);
    assert.match(statements.at(-2) ?? '', /^INSERT INTO load_ledger/);
    assert.equal(statements.at(-1), 'COMMIT');
    const swap = statements.find((sql) => sql.startsWith('UPDATE load_watermark')) ?? '';
    assert(swap.includes(`SET position = '${position('9', 3)}'`) && swap.includes(`position = '${trimHorizon}'`));
  });

  it('waits for the gate on Redshift, which has no lock timeout, as long as elsewhere, and for everything else as before', async () => {
    const { session, statements } = recordingSession('redshift');
    await load(session, noCopy, batch, () => 0);
    assert.deepEqual(statements.slice(0, 4), [
      'BEGIN',
      'SET statement_timeout TO 60000',
      'UPDATE load_gate SET n = n + 1',
      'SET statement_timeout TO 300000',
    ]);
  });

  it('gives a session back its own bound behind the gate: counting anew asks for more than a load', async () => {
    const { session, statements } = recordingSession('redshift');
    await takeGate({ ...session, limits: { connectMs: 1, statementMs: 3_600_000, lockMs: 2_000 } });
    assert.deepEqual([statements.at(0), statements.at(-1)], ['SET statement_timeout TO 2000', 'SET statement_timeout TO 3600000']);
  });

  it('ends on Redshift what holds the gate and has run nothing for as long', () => {
    const sql = deadHoldersSql('redshift', 60_000).replace(/\s+/g, ' ');
    assert.match(sql, /t\.granted AND t\.lock_mode <> 'AccessShareLock' AND/);
    assert.match(sql, /txn_start < DATEADD\(second, -60, GETDATE\(\)\)/);
    assert.match(
      sql,
      /pid NOT IN \(SELECT session_id FROM sys_query_history WHERE status IN \([^)]*'running'[^)]*\) OR end_time > DATEADD\(second, -60,/,
    );
  });

  it('ends every dead holder that it may, and says which it may not', async () => {
    const { session, statements } = recordingSession('postgres');
    const query: Session['query'] = async (sql) => {
      const result = await session.query(sql);
      if (sql.includes('(1)')) throw new PlatformError('WAREHOUSE_REFUSED', 'not a superuser');
      return sql.includes('pg_locks') ? { ...result, rows: [{ pid: 1 }, { pid: 2 }] } : result;
    };
    const database: Database = { dialect: 'postgres', connect: async () => ({ ...session, query }) };
    await assert.rejects(endDeadHolders(database, 60_000), { code: 'WAREHOUSE_REFUSED' });
    assert.deepEqual(statements.slice(1), ['SELECT pg_terminate_backend(1)', 'SELECT pg_terminate_backend(2)']);
  });

  it('loads nothing through a gate that two loads would not share', async () => {
    const { session, statements } = recordingSession('postgres');
    const query = session.query.bind(session);
    session.query = async (sql) => ({ ...(await query(sql)), ...(sql.startsWith('UPDATE load_gate') ? { affected: 0 } : {}) });
    await assert.rejects(
      load(session, noCopy, batch, () => 0),
      { code: 'WAREHOUSE_SCHEMA' },
    );
    assert.equal(statements.length, 2);
  });

  it('writes any text of a refused line as hex, cut between characters', async () => {
    for (const dialect of ['redshift', 'postgres'] as const) {
      const { session, statements } = recordingSession(dialect);
      await load(session, noCopy, batch, () => 0);
      const insert = statements.find((sql) => sql.startsWith('INSERT INTO quarantine')) ?? '';
      const [reason = '', detail = '', content = ''] = [...insert.matchAll(/(?:FROM_HEX|DECODE)\('([0-9a-f]+)'/g)].map(([, hex = '']) =>
        Buffer.from(hex, 'hex').toString(),
      );
      assert.deepEqual([reason, detail, content], ['refused', "it's \uFFFD odd", 'é'.repeat(4_096)]);
      assert(insert.includes(dialect === 'redshift' ? "FROM_VARBYTE(FROM_HEX('" : "CONVERT_FROM(DECODE('"));
    }
    assert.equal(textLiteral('a漢', 3, 'postgres'), "CONVERT_FROM(DECODE('61', 'hex'), 'UTF8')");
    assert.equal(textLiteral('漢', 3, 'postgres'), "CONVERT_FROM(DECODE('e6bca2', 'hex'), 'UTF8')");
  });

  it('looks for copies of an event 8 days around the batch', async () => {
    const { session, statements } = recordingSession('postgres');
    await load(session, noCopy, batch, () => 0);
    const repeats = statements.find((sql) => sql.startsWith('DELETE FROM load_stage USING booking_event')) ?? '';
    assert(repeats.includes("booking_event.occurred_at >= '2026-01-12 00:00:00.000'"), repeats);
    assert(repeats.includes("booking_event.occurred_at <= '2026-01-29 00:00:00.000'"), repeats);
  });

  it('lets no released migration change', () => {
    assert.deepEqual(
      migrations.map((m) => [m.version, checksumOf(m, 'postgres').slice(0, 16), checksumOf(m, 'redshift').slice(0, 16)]),
      [
        [1, 'cd5aa213abe44163', '31adba939fe73a66'],
        [2, 'a2da8ac8930068e1', 'a29fc7f6a5cea79d'],
        [3, '4195b777c12194c9', '970bd8840d8ef67f'],
      ],
    );
    assert.deepEqual(new Set(migrations.map((m) => m.version)).size, migrations.length);
  });

  it('makes every table of the model', () => {
    const all = migrations.flatMap((m) => m.statements('redshift')).join('\n');
    for (const table of tables) assert(all.includes(`CREATE TABLE ${table.name} (`));
  });

  it('refuses a literal that could end itself', () => {
    assert.equal(literal('booking-events@17/shard_0:1.2+3 x=y'), "'booking-events@17/shard_0:1.2+3 x=y'");
    for (const text of ["it's", 'a\\', 'a;b', 'a\nb', 'ü', 'a"b']) assert.throws(() => literal(text), { code: 'INTERNAL' });
    for (const number of [1.5, Number.NaN, 2 ** 60]) assert.throws(() => integerLiteral(number), { code: 'INTERNAL' });
  });

  it('writes times as UTC to the last year a timestamp holds', () => {
    assert.equal(timestampText(Date.UTC(2000, 0, 1)), '2000-01-01 00:00:00.000');
    assert.equal(timestampText(253_402_300_799_999), '9999-12-31 23:59:59.999');
  });
});

describe('Redshift adapter (its texts; it has not run against a Redshift)', () => {
  const object = { key: 'stage/a/b.csv.gz', size: 17, sha256: 'x' };
  const role = 'arn:aws:iam::123456789012:role/copy';
  const database = { dialect: 'redshift' as const, connect: async () => recordingSession('redshift').session };
  const tools = { newId: () => 'id-1', database, pause: async () => {} };

  it('leaves no manifest behind a COPY that failed, and tells a refused line from other failures', async () => {
    for (const [message, name] of [
      ["Load into table 'load_stage' failed. Check 'sys_load_error_detail' system table for details.", 'CopyRefusedError'],
      ['connection reset', 'Error'],
    ] as const) {
      const store = new MemoryStore();
      const { session } = recordingSession('redshift');
      session.query = () => Promise.reject(new Error(message));
      const copied = redshiftCopier(store, 's3://bucket', role, tools).copy(session, 'load_stage', ['a'], [object]);
      assert.equal(await copied.catch((error: Error) => error.constructor.name), name);
      assert.equal(store.objects.size, 0);
    }
  });

  it('copies by manifest, no row may be skipped', async () => {
    const store = new MemoryStore();
    const { session, statements } = recordingSession('redshift');
    let manifest = '';
    const query = session.query.bind(session);
    session.query = async (sql) => {
      manifest = String(await store.read('stage/manifest/id-1.json'));
      return query(sql);
    };
    await redshiftCopier(store, 's3://bucket/prefix/', role, tools).copy(session, 'load_stage', ['a', 'b'], [object]);
    assert.deepEqual(statements, [
      "COPY load_stage (a, b) FROM 's3://bucket/prefix/stage/manifest/id-1.json' IAM_ROLE 'arn:aws:iam::123456789012:role/copy' MANIFEST " +
        "CSV GZIP TIMEFORMAT 'auto' MAXERROR 0 COMPUPDATE OFF STATUPDATE OFF",
    ]);
    assert.deepEqual(JSON.parse(manifest), {
      entries: [{ url: 's3://bucket/prefix/stage/a/b.csv.gz', mandatory: true, meta: { content_length: 17 } }],
    });
    assert.equal(store.objects.size, 0, 'the manifest goes after the COPY');
  });

  it('refuses a stage that Redshift cannot read, and a role that is no ARN', () => {
    assert.throws(() => redshiftCopier(new MemoryStore(), 'file:///tmp/x', 'arn:x', tools), { code: 'CONFIG_INVALID' });
    assert.throws(() => redshiftCopySql('t', ['a'], 's3://b/k', "x' DROP"), { code: 'INTERNAL' });
    assert.deepEqual(redshiftManifest('s3://b', []), { entries: [] });
  });

  it('bounds statements where there is no lock timeout', () => {
    const limits = { connectMs: 1, statementMs: 2_000, lockMs: 3_000 };
    assert.deepEqual(sessionSettings('redshift', limits), ['SET statement_timeout TO 2000']);
    assert.deepEqual(sessionSettings('postgres', limits), [
      'SET statement_timeout TO 2000',
      'SET lock_timeout TO 3000',
      'SET idle_in_transaction_session_timeout TO 3000',
      "SET temp_buffers TO '128MB'",
    ]);
  });
});

describe('Postgres copier', () => {
  it('sends nothing of an object that is not what was registered, and says which it is', async () => {
    const store = new MemoryStore();
    await store.create('stage/a.csv.gz', gzipSync('1,2\n'));
    const { session, statements } = recordingSession('postgres');
    const object = { key: 'stage/a.csv.gz', size: 24, sha256: 'of another body' };
    for (const key of [object.key, 'stage/missing.csv.gz']) {
      const copied = postgresCopier(store).copy(session, 'load_stage', ['a', 'b'], [{ ...object, key }]);
      await assert.rejects(copied, { code: 'WAREHOUSE_MISMATCH', key });
    }
    assert.deepEqual(statements, []);
  });
});
