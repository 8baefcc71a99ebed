import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { type Position, position, trimHorizon } from '../../../services/lib/kcl/position.ts';
import type { ObjectStore } from '../../../services/lib/objects/object-store.ts';
import { applyCalendar, rebuildFromEvents } from '../../../services/lib/warehouse/calendar.ts';
import { postgresCopier, redshiftCopier, type StageCopier } from '../../../services/lib/warehouse/copy.ts';
import { copyAlone } from '../../../services/lib/warehouse/copy-alone.ts';
import { requireCopyRole } from '../../../services/lib/warehouse/copy-role.ts';
import { defaultSessionLimits, type Result } from '../../../services/lib/warehouse/database.ts';
import type { Dialect } from '../../../services/lib/warehouse/ddl.ts';
import { countEvents, lastEventCount } from '../../../services/lib/warehouse/doubled-events.ts';
import { schemaDrift } from '../../../services/lib/warehouse/drift.ts';
import { knownAlerts, replaceAlerts } from '../../../services/lib/warehouse/fraud-alerts.ts';
import { endDeadHolders } from '../../../services/lib/warehouse/gate.ts';
import { type LoadBatch, type LoadFile, load } from '../../../services/lib/warehouse/load.ts';
import { checksumOf, migrate, migrations, requireSchema } from '../../../services/lib/warehouse/migrations.ts';
import { sessionSettings } from '../../../services/lib/warehouse/pg-session.ts';
import { findRedshiftRefusal } from '../../../services/lib/warehouse/refusal.ts';
import { loaderGrants, requireRights } from '../../../services/lib/warehouse/rights.ts';
import { committedBatches, committedFiles, insertedLines } from '../../../services/redshift-loader/lake/lake-ledger.ts';
import { batchesOfFiles, batchesOfObjects } from '../../../services/redshift-loader/stage/loaded-files.ts';
import { readState } from '../../migrate/state.ts';
import type { Runs } from './collect.ts';
import type { Answer, Recorder } from './recorder.ts';

const body = gzipSync('1,2\n');
const object = { key: 'stage/f1.csv.gz', size: body.length, sha256: createHash('sha256').update(body).digest('hex') };
const store = { create: async () => 'created', read: async () => body, delete: async () => undefined } as unknown as ObjectStore;

const stageUrl = 's3://bucket/prefix';
const roleArn = 'arn:aws:iam::123456789012:role/copy';

function copierOf(recorder: Recorder): StageCopier {
  if (recorder.dialect === 'postgres') return postgresCopier(store);
  const tools = { newId: () => 'id-1', database: recorder, pause: async () => undefined };
  return redshiftCopier(store, stageUrl, roleArn, tools);
}

const shardId = 'shardId-000000000000';
const fileOf = (fileId: string, from: Position, to: Position): LoadFile => ({ fileId, from, to, rows: 0 });
/** One file with rows, more files without than one statement of the ledger holds. */
const batch: LoadBatch = {
  batchId: 'batch-1',
  application: 'loader',
  streamId: 'booking-events@1',
  chains: [
    {
      shardId,
      files: [
        {
          ...fileOf('f1', trimHorizon, position('1')),
          rows: 2,
          object,
          occurred: [Date.UTC(2026, 0, 20), Date.UTC(2026, 0, 21)],
          quarantined: [{ line: 3, column: 'seats', reason: 'refused', detail: 'no number', content: 'x,y' }],
        },
        ...Array.from({ length: 300 }, (_, n) => fileOf(`g${n}`, position(String(n + 1)), position(String(n + 2)))),
      ],
    },
  ],
};

/** The answer to the statements that contain a text. */
const when =
  (text: string, result: Partial<Result>): Answer =>
  (sql) =>
    sql.includes(text) ? result : undefined;
/** The first answer that there is. */
const all =
  (...answers: readonly Answer[]): Answer =>
  (sql) =>
    answers.map((answer) => answer(sql)).find((result) => result !== undefined);

const zone = (name: string): Answer => when('FROM warehouse_setting', { rows: [{ value: name }] });
const schema = (dialect: Dialect): Answer =>
  when('FROM schema_migration', { rows: migrations.map((m) => ({ version: m.version, checksum: checksumOf(m, dialect) })) });
const tablesStand = when('is_nullable', {
  rows: ['load_gate', 'warehouse_setting', 'dim_date'].map((name) => ({ table_name: name, column_name: 'n', data_type: 'bigint' })),
});
/** Of a row that is asked for any number of rights. */
const everyRight = new Proxy({}, { get: () => true });
const noFigures = when('COUNT(*) AS n FROM kpi_hourly', { rows: [{ n: '0' }] });
const counts = when('SELECT file_id, COUNT(*)', { rows: [{ file_id: 'f1', n: '2' }] });
const hours = when('FROM load_kpi', { rows: [{ first: '2026-01-20 00:00:00', last: '2026-01-21 00:00:00' }] });
const runLoad = (recorder: Recorder, answer: Answer) => load(recorder.session(answer), copierOf(recorder), batch, () => 0);

/** What has no text for Postgres alone, and takes its time. */
const onRedshift =
  (run: Runs[string]): Runs[string] =>
  async (recorder) =>
    recorder.dialect === 'redshift' ? run(recorder) : undefined;

/**
 * The code that talks to the warehouse, each part run as far as it goes. A new statement is found by itself where one of these runs
 * passes it; elsewhere the check names its line, and a run of its part belongs here.
 */
export const runs: Runs = {
  'open a session': async (recorder) => recorder.keep(...sessionSettings(recorder.dialect, defaultSessionLimits)),
  migrate: (recorder) => migrate(recorder),
  'require the schema': (recorder) => requireSchema(recorder.session(all(schema(recorder.dialect), zone('UTC')))),
  'where a warehouse stands': (recorder) => readState(recorder.session()),
  'require rights': (recorder) => requireRights(recorder.session(() => ({ rows: [everyRight] }))),
  'grants for whoever sets the warehouse up': async (recorder) => recorder.keep(...loaderGrants('IAMR:loader')),
  'require the role of COPY': onRedshift((recorder) => requireCopyRole(recorder.session(), stageUrl, roleArn)),
  'look for drift': (recorder) => schemaDrift(recorder.session(all(tablesStand, zone('UTC')))),
  'first calendar': onRedshift((recorder) => applyCalendar(recorder, 'UTC')),
  'calendar of another zone': onRedshift((recorder) => applyCalendar(recorder.answering(all(zone('Asia/Kolkata'), noFigures)), 'UTC')),
  'calendar whose days were changed': onRedshift((recorder) => applyCalendar(recorder.answering(all(zone('UTC'), noFigures)), 'UTC')),
  'count anew': (recorder) => rebuildFromEvents(recorder),
  'batches for the lake': (recorder) => committedBatches(recorder.session(), batch.application, batch.streamId, 0),
  'files of a batch for the lake': (recorder) => committedFiles(recorder.session(), batch.batchId),
  'lines of a file for the lake': (recorder) => insertedLines(recorder.session(), 'f1', ['2026-01-20 00:00:00', '2026-01-21 00:00:00']),
  load: (recorder) => runLoad(recorder, all(counts, hours)),
  'load, overtaken by another': (recorder) => runLoad(recorder, when('UPDATE load_watermark', { affected: 0 })),
  'try a file alone': (recorder) =>
    copyAlone(recorder.session(when('FROM load_alone', { rows: [{ n: 2 }] })), copierOf(recorder), object, 2),
  'find a refused line': onRedshift((recorder) => findRedshiftRefusal({ database: recorder, pause: async () => {} }, stageUrl, [object])),
  'alerts that are known': (recorder) => knownAlerts(recorder.session(), Date.UTC(2026, 0, 20), Date.UTC(2026, 0, 21)),
  'load alerts': (recorder) =>
    replaceAlerts(recorder.session(when('FROM alert_stage', { rows: [{ n: 2 }] })), copierOf(recorder), object, 2),
  'count the events': (recorder) =>
    countEvents(recorder.session(when('FROM booking_event', { rows: [{ total: 2, distinct_events: 2 }] })), () => 0),
  'last count of the events': (recorder) => lastEventCount(recorder.session()),
  'batches of loaded files': (recorder) => batchesOfFiles(recorder.session(), ['f1', 'f2']),
  'batches of loaded objects': (recorder) => batchesOfObjects(recorder.session(), { ...batch, shardId }, [object.key]),
  'end dead holders': (recorder) => endDeadHolders(recorder.answering(when('SELECT DISTINCT', { rows: [{ pid: 42 }] })), 60_000),
};
