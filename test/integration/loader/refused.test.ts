import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { startStack } from '../../../scripts/local/stack.ts';
import type { BookingEvent } from '../../../services/lib/events/booking-event.ts';
import { trimHorizon } from '../../../services/lib/kcl/position.ts';
import { applyCalendar } from '../../../services/lib/warehouse/calendar.ts';
import { CopyRefusedError, postgresCopier, type StageCopier } from '../../../services/lib/warehouse/copy.ts';
import { type Database, openDatabase } from '../../../services/lib/warehouse/database.ts';
import { migrate } from '../../../services/lib/warehouse/migrations.ts';
import { bookingEventOf } from '../../services/redshift-loader/memory.ts';
import { requirePart } from '../../support/optional.ts';
import { startRealPostgres } from './real-postgres.ts';
import { booking, setUp } from './set-up.ts';

/** Fits the file, not the column: 32 bits. The contract does not let it through; a change of one of them might. */
const tooMany = 3_000_000_000;
const poison = (id = booking()): BookingEvent => bookingEventOf(id, 1, { seats: tooMany });
const good = (id = booking()): BookingEvent => bookingEventOf(id, 1);
const kindOf = (outcome: unknown): unknown => (typeof outcome === 'object' ? { ...outcome } : outcome);

function refusedContract(database: () => Database): void {
  async function quarantined(t: ReturnType<typeof setUp>) {
    const rows = await t.select(
      `SELECT shard, line, column_name, reason, content FROM quarantine WHERE stream = '${t.streamId}' ORDER BY shard, line`,
    );
    return rows.map((row) => [row['shard'], Number(row['line']), row['column_name'], row['reason']]);
  }

  it('takes out the line, loads the rest with their numbers, and notes it with the ledger; other shards lose one attempt', async () => {
    const t = setUp(database());
    const lines = [good('a"\n\r,b'), good(), poison('c\nd'), good(), poison(), good()];
    await t.stage('bad', lines);
    await t.stage('other', [good()]);
    const committer = t.committer();
    assert.equal(await committer.run(), 'again');
    assert.deepEqual(await committer.run(), { kind: 'committed', more: true }, 'the other shard, at once; then the file alone');
    assert.deepEqual(await committer.run(), { kind: 'committed', more: false });
    assert.deepEqual(await quarantined(t), [
      ['bad', 3, 'seats', 'sqlstate 22003'],
      ['bad', 5, 'seats', 'sqlstate 22003'],
    ]);
    const [sums] = await t.select(
      `SELECT rows_copied, rows_inserted, rows_quarantined FROM load_ledger WHERE stream = '${t.streamId}' AND shard = 'bad'`,
    );
    assert.deepEqual(Object.values(sums ?? {}).map(Number), [4, 4, 2]);
    const ids = lines.filter(({ seats }) => seats !== tooMany).map(({ eventId }) => `'${eventId}'`);
    const loaded = await t.select(`SELECT line FROM booking_event WHERE event_id IN (${ids.join(', ')}) ORDER BY line`);
    assert.deepEqual(
      loaded.map((row) => Number(row['line'])),
      [1, 2, 4, 6],
    );
    const kept = [...t.store.objects].filter(([key]) => key.startsWith('quarantine/')).map(([, body]) => body.toString());
    assert.equal(kept.length, 2);
    assert.match(kept[0] ?? '', /,3,"c\nd",1,[^]*,3000000000,/);
    assert.equal(t.counter('rows_quarantined'), 2);
  });

  it('loads a file of which no line is left as one without rows', async () => {
    const t = setUp(database());
    await t.stage('s', [poison(), poison()]);
    await t.stage('s', [good()]);
    const committer = t.committer();
    assert.equal(await committer.run(), 'again');
    assert.equal(await committer.run(), 'again', 'nothing else to load: the file alone, until it passes');
    assert.deepEqual(await committer.run(), { kind: 'committed', more: false });
    assert.equal((await quarantined(t)).length, 2);
    const [first] = await t.registry.files('s', trimHorizon, 1);
    assert.deepEqual([first?.rows, first?.object, first?.quarantined?.length], [0, undefined, 2]);
    assert.deepEqual(await t.ledger(), { copied: 1, inserted: 1 });
  });

  it('leaves a file out, with an alarm, when more than a hundred of its lines are refused; the others go on', async function () {
    this.timeout(60_000);
    const t = setUp(database());
    await t.stage(
      'bad',
      Array.from({ length: 101 }, () => poison()),
    );
    await t.stage('other', [good()]);
    const committer = t.committer();
    const outcomes = new Set<unknown>();
    for (let round = 0; round < 8 && !outcomes.has('blocked'); round++) outcomes.add(kindOf(await committer.run()));
    assert(outcomes.has('blocked'));
    assert.deepEqual(await t.ledger(), { copied: 1, inserted: 1 });
    const [file] = await t.registry.files('bad', trimHorizon, 1);
    assert.deepEqual([file?.rows, file?.quarantined?.length], [1, 100]);
    assert.deepEqual([t.counter('rows_quarantined'), t.counter('files_refused')], [100, 1]);
    // Tried again after a while, alone: nobody else loses a thing.
    t.clock.offset += 601_000;
    await t.stage('other', [good()]);
    assert.deepEqual(await committer.run(), { kind: 'committed', more: false });
    assert.equal(t.counter('files_refused'), 2);
  });

  it('takes nothing out of a file that another committer has replaced meanwhile', async () => {
    const t = setUp(database());
    await t.stage('s', [poison(), good(), poison()]);
    const replace = t.registry.replaceObject.bind(t.registry);
    const rival = t.committer();
    let raced = false;
    t.registry.replaceObject = async (...args) => {
      if (!raced) {
        raced = true;
        await rival.run();
      }
      return replace(...args);
    };
    const committer = t.committer();
    for (let round = 0; round < 6; round++) await committer.run();
    assert.deepEqual(await t.ledger(), { copied: 1, inserted: 1 });
    assert.deepEqual(
      (await quarantined(t)).map(([, line]) => line),
      [1, 3],
    );
  });

  it('finds the file by trying fewer at a time when the warehouse names none, and leaves it out when it names no line', async () => {
    const t = setUp(database());
    for (const shard of ['s0', 's1', 's2', 's3', 's4']) await t.stage(shard, shard === 's3' ? [poison()] : [good()]);
    const copier = postgresCopier(t.store);
    const silent: StageCopier = {
      copy: (...args) =>
        copier.copy(...args).catch((error: Error) => {
          throw new CopyRefusedError(error);
        }),
      refusal: async () => undefined,
    };
    const committer = t.committer(undefined, undefined, undefined, silent);
    const outcomes: unknown[] = [];
    while (outcomes.at(-1) !== 'blocked' && outcomes.length < 20) outcomes.push(kindOf(await committer.run()));
    assert.deepEqual(await t.ledger(), { copied: 4, inserted: 4 });
    assert.equal(t.counter('files_refused'), 1);
    await t.stage('s0', [good()]);
    await t.stage('s1', [good()]);
    assert.deepEqual(await committer.run(), { kind: 'committed', more: false }, 'as many at a time as before');
  });

  it('keeps the refused line when a store fails on the way, and loses none', async () => {
    const t = setUp(database());
    await t.stage('s', [good(), poison()]);
    const create = t.store.create.bind(t.store);
    let failures = 2;
    t.store.create = async (key, body) => {
      if (failures-- > 0) throw new Error('away');
      return create(key, body);
    };
    const committer = t.committer();
    for (let round = 0; round < 5; round++) await committer.run().catch(() => undefined);
    assert.deepEqual(await t.ledger(), { copied: 1, inserted: 1 });
    assert.equal((await quarantined(t)).length, 1);
  });

  it('writes the object without the line under a key of its own', async () => {
    const t = setUp(database());
    await t.stage('s', [good(), poison()]);
    const [before] = await t.registry.files('s', trimHorizon, 1);
    await t.committer().run();
    const [after] = await t.registry.files('s', trimHorizon, 1);
    assert.notEqual(after?.object?.key, before?.object?.key);
    assert(t.store.objects.has(before?.object?.key ?? ''), 'what was there stays: a committer may be reading it');
    const lines = gunzipSync(t.store.objects.get(after?.object?.key ?? '') ?? Buffer.alloc(0)).toString();
    assert.equal(lines.trimEnd().split('\n').length, 1);
    assert.deepEqual([after?.fileId, after?.from, after?.to, after?.rows], [before?.fileId, before?.from, before?.to, 1]);
  });
}

describe('lines that PGlite refuses, over the wire', () => {
  const runDir = mkdtempSync(join(tmpdir(), 'refused-'));
  let stop: (() => Promise<void>) | undefined;
  let database: Database;

  before(async function () {
    this.timeout(60_000);
    const stack = await startStack({ runDir, parts: ['postgres'] });
    stop = () => stack.stop();
    database = openDatabase(stack.warehouseUrl);
    await migrate(database);
    await applyCalendar(database, 'UTC');
  });
  after(async () => {
    await stop?.();
    rmSync(runDir, { recursive: true, force: true });
  });

  refusedContract(() => database);
});

describe('lines that PostgreSQL refuses', () => {
  let stop: (() => Promise<void>) | undefined;
  let database: Database;

  before(async function () {
    this.timeout(60_000);
    requirePart(this, 'postgres');
    const server = await startRealPostgres();
    stop = () => server.stop();
    database = openDatabase(server.url);
    await migrate(database);
    await applyCalendar(database, 'UTC');
  });
  after(async () => await stop?.());

  refusedContract(() => database);
});
