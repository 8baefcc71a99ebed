import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { startStack } from '../../../scripts/local/stack.ts';
import type { BookingEvent } from '../../../services/lib/events/booking-event.ts';
import { trimHorizon } from '../../../services/lib/kcl/position.ts';
import { PlatformError } from '../../../services/lib/process/errors.ts';
import { applyCalendar } from '../../../services/lib/warehouse/calendar.ts';
import { type Database, defaultSessionLimits, openDatabase } from '../../../services/lib/warehouse/database.ts';
import { endDeadHolders, takeGate } from '../../../services/lib/warehouse/gate.ts';
import { checksumOf, migrate, migrations, requireSchema } from '../../../services/lib/warehouse/migrations.ts';
import type { LoadRegistry } from '../../../services/redshift-loader/registry/registry.ts';
import { bookingEventOf } from '../../services/redshift-loader/memory.ts';
import { requirePart } from '../../support/optional.ts';
import { startRealPostgres } from './real-postgres.ts';
import { at, booking, setUp } from './set-up.ts';

function warehouseContract(database: () => Database): void {
  it('loads texts of every kind as they are, times in UTC, null and empty apart', async () => {
    const t = setUp(database());
    const odd = `"q"\n\r\n,\u2028é漢🎫\\N\\ ${booking()}`;
    const extra = { 'k"': ['\u2028', '\\u0000', null, 1.5, { a: [] }] };
    const event = bookingEventOf(odd, 1, { userId: odd, extra, traceparent: '', occurredAt: Date.UTC(2026, 6, 5, 23, 59, 59, 999) });
    const plain = bookingEventOf(booking(), 1);
    await t.stage('s', [event, plain]);
    assert.deepEqual(await t.committer().run(), { kind: 'committed', more: false });
    const columns = `booking_id, user_id, extra, traceparent, TO_CHAR(occurred_at, 'YYYY-MM-DD HH24:MI:SS.MS') AS at, amount_minor, version`;
    const rows = await t.select(`SELECT ${columns} FROM booking_event WHERE event_id = '${event.eventId}'`);
    const expected = {
      booking_id: odd,
      user_id: odd,
      extra,
      traceparent: '',
      at: '2026-07-05 23:59:59.999',
      amount_minor: '12900',
      version: '1',
    };
    assert.deepEqual(rows, [expected]);
    const [other] = await t.select(`SELECT extra, traceparent FROM booking_event WHERE event_id = '${plain.eventId}'`);
    assert.deepEqual(other, { extra: null, traceparent: null });
  });

  it('inserts each event once: repeated in a file, in the next file, on another shard, in a later batch', async () => {
    const t = setUp(database());
    const before = await t.count('booking_event');
    const [a, b, c] = [booking(), booking(), booking()].map((id) => bookingEventOf(id, 1));
    assert(a && b && c);
    await t.stage('s0', [a, a, b]);
    await t.stage('s0', [b]);
    await t.stage('s1', [a, c]);
    const committer = t.committer();
    await committer.run();
    await t.stage('s1', [b, c]);
    await committer.run();
    assert.equal(await committer.run(), 'idle');
    assert.equal((await t.count('booking_event')) - before, 3);
    assert.deepEqual(await t.ledger(), { copied: 8, inserted: 3 });
    assert.equal(t.counter('rows_duplicate'), 5);
  });

  it('moves a watermark over files without rows', async () => {
    const t = setUp(database());
    await t.stage('s', []);
    await t.stage('s', [bookingEventOf(booking(), 1)]);
    await t.stage('s', []);
    await t.committer().run();
    assert.deepEqual(await t.select(`SELECT shard, position FROM load_watermark WHERE stream = '${t.streamId}'`), [
      { shard: 's', position: at(3) },
    ]);
    assert.equal(await t.count(`load_ledger WHERE stream = '${t.streamId}'`), 3);
  });

  it('keeps of each booking the highest version, whatever the order and the batches', async function () {
    this.timeout(60_000);
    const arrival = fc.array(fc.tuple(fc.constantFrom('x', 'y'), fc.integer({ min: 1, max: 4 }), fc.constantFrom('changed', 'cancelled')), {
      minLength: 1,
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(arrival, { minLength: 1, maxLength: 3 }), async (batches) => {
        const t = setUp(database());
        const all: BookingEvent[] = [];
        const committer = t.committer();
        for (const [i, batch] of batches.entries()) {
          const events = batch.map(([id, version, type]) =>
            bookingEventOf(`${t.streamId}-${id}`, version, { type: type as BookingEvent['type'] }),
          );
          all.push(...events);
          await t.stage(`s${i % 2}`, events);
          await committer.run();
        }
        const rank = (e: BookingEvent): string => `${e.version}-${e.eventId}`;
        const expected = new Map<string, string>();
        for (const event of all) if (rank(event) > (expected.get(event.bookingId) ?? '')) expected.set(event.bookingId, rank(event));
        const rows = await t.select(`SELECT booking_id, version, event_id FROM booking WHERE booking_id LIKE '${t.streamId}-%'`);
        assert.deepEqual(new Map(rows.map((r) => [r['booking_id'], `${String(r['version'])}-${String(r['event_id'])}`])), expected);
        assert.equal(rows.length, expected.size);
      }),
      { numRuns: Number(process.env['LOADER_RUNS'] ?? 8) },
    );
  });

  it('leaves out a shard whose object is missing or corrupt, commits the others, and goes on once it is back', async () => {
    for (const fault of ['missing', 'corrupt'] as const) {
      const t = setUp(database());
      await t.stage('good', [bookingEventOf(booking(), 1)]);
      await t.stage('bad', [bookingEventOf(booking(), 1)]);
      await t.stage('bad', [bookingEventOf(booking(), 1)]);
      const [key = '', body = Buffer.alloc(0)] = [...t.store.objects].find(([k]) => k.includes('/bad/')) ?? [];
      if (fault === 'missing') t.store.objects.delete(key);
      else t.store.objects.set(key, Buffer.from([...body].reverse())); // as long as it was
      const committer = t.committer();
      await committer.run();
      assert.equal(await committer.run(), 'blocked');
      assert.deepEqual(
        (await t.select(`SELECT shard FROM load_watermark WHERE stream = '${t.streamId}'`)).map((r) => r['shard']),
        ['good'],
      );
      t.store.objects.set(key, body);
      await committer.run();
      assert.deepEqual(await t.ledger(), { copied: 3, inserted: 3 });
      assert.equal(t.counter('objects_faulty'), 1, 'alarmed once');
    }
  });

  it('commits the other shards however many files wait behind a faulty one', async () => {
    const t = setUp(database());
    for (let i = 0; i < 3; i++) await t.stage('bad', [bookingEventOf(booking(), 1)]);
    await t.stage('good', [bookingEventOf(booking(), 1)]);
    t.store.objects.delete([...t.store.objects.keys()].find((key) => key.includes('/bad/')) ?? '');
    const committer = t.committer(undefined, { maxFiles: 2, maxBytes: 1e9 });
    assert.deepEqual(await committer.run(), { kind: 'committed', more: false });
    assert.deepEqual(await t.ledger(), { copied: 1, inserted: 1 });
    assert.equal(await committer.run(), 'blocked');
  });

  it('leaves out a file that the warehouse refuses although its HEAD was right, without any trace of the attempt', async () => {
    const t = setUp(database());
    const before = await t.count('booking_event');
    await t.stage('bad', [bookingEventOf(booking(), 1)]);
    await t.stage('good', [bookingEventOf(booking(), 1)]);
    const files = t.registry.files.bind(t.registry);
    t.registry.files = async (...args) => (await files(...args)).map((file) => (file.shardId === 'bad' ? { ...file, rows: 2 } : file));
    const committer = t.committer();
    assert.equal(await committer.run(), 'again');
    assert.equal(await t.count('booking_event'), before);
    assert.equal(typeof (await committer.run()), 'object', 'the other shard goes on');
    assert.equal(await committer.run(), 'blocked');
    assert.deepEqual(await t.ledger(), { copied: 1, inserted: 1 });
  });

  it('loads through a lost answer to COMMIT, made or not, without doubling', async () => {
    for (const made of [true, false]) {
      const t = setUp(database());
      await t.stage('s', [bookingEventOf(booking(), 1)]);
      let lose = true;
      const committer = t.committer(
        interceptingQueries(database(), async (sql, run) => {
          if (sql !== 'COMMIT' || !lose) return run();
          lose = false;
          if (made) await run();
          throw new PlatformError('WAREHOUSE_UNAVAILABLE', 'connection reset', { retriable: true });
        }),
      );
      assert.deepEqual(await committer.run(), made ? { kind: 'committed', more: false } : 'again');
      assert.equal(await committer.run().then((o) => (typeof o === 'object' ? o.kind : o)), made ? 'idle' : 'committed');
      assert.deepEqual(await t.ledger(), { copied: 1, inserted: 1 });
    }
  });

  it('alarms a gap, and only after a second look', async () => {
    const t = setUp(database());
    await t.stage('s', [bookingEventOf(booking(), 1)]);
    const files = t.registry.files.bind(t.registry);
    let hidden = 1;
    t.registry.files = async (...args) => (hidden-- > 0 ? [] : files(...args));
    const committer = t.committer();
    assert.equal(await committer.run().then((o) => typeof o), 'object', 'the second look found it');
    await t.stage('s', [bookingEventOf(booking(), 1)]);
    hidden = 2;
    assert.equal(await committer.run(), 'idle');
    assert.equal(t.metrics.drain().gauges.find((g) => g.name === 'load_gaps')?.value, 1);
  });

  it('keeps loaded files for their retention, then removes object and row', async () => {
    const t = setUp(database());
    await t.stage('s', [bookingEventOf(booking(), 1)]);
    await t.stage('s', [bookingEventOf(booking(), 1)]);
    const one = t.committer(undefined, { maxFiles: 1, maxBytes: 1e9 });
    assert.deepEqual(await one.run(), { kind: 'committed', more: true });
    t.clock.offset += 3_600_001;
    await one.run();
    await t.committer().run();
    assert.equal(t.store.objects.size, 0);
    assert.equal(await t.registry.head('s'), at(2), 'the head stays');
    assert.deepEqual(await t.registry.files('s', trimHorizon, 9), []);
  });

  it('never removes a file that is not loaded, however old', async () => {
    const t = setUp(database());
    await t.stage('s', [bookingEventOf(booking(), 1)]);
    await t.committer().run();
    await t.stage('s', [bookingEventOf(booking(), 1)]);
    await t.stage('s', [bookingEventOf(booking(), 1)]);
    const [, second, third] = await t.registry.files('s', trimHorizon, 9);
    const missing = t.store.objects.get(second?.object?.key ?? '');
    t.store.objects.delete(second?.object?.key ?? '');
    t.clock.offset += 10 * 3_600_000;
    assert.equal(await t.committer().run(), 'blocked');
    assert.deepEqual([...t.store.objects.keys()], [third?.object?.key], 'the loaded one is gone');
    assert.deepEqual(await t.registry.files('s', trimHorizon, 9), [second, third]);
    t.store.objects.set(second?.object?.key ?? '', missing ?? Buffer.alloc(0));
    await t.committer().run();
    assert.deepEqual(await t.ledger(), { copied: 3, inserted: 3 });
  });

  it('keeps loaded files that are not in the lake yet, with all that follow them in their shard', async () => {
    const t = setUp(database());
    const one = t.committer(undefined, { maxFiles: 1, maxBytes: 1e9 });
    for (let i = 0; i < 3; i++) {
      await t.stage('s', [bookingEventOf(booking(), 1)]);
      await one.run();
    }
    const batches = await t.select(`SELECT batch_id FROM load_ledger WHERE stream = '${t.streamId}' ORDER BY from_position`);
    t.notInLake.add(String(batches[1]?.['batch_id']));
    t.clock.offset += 3_600_001;
    await t.committer().run();
    assert.equal(t.store.objects.size, 2);
    assert.equal((await t.registry.files('s', trimHorizon, 9)).length, 2);
    t.notInLake.clear();
    await t.committer().run();
    assert.equal(t.store.objects.size, 0);
  });

  it('applies migrations once and refuses one that was changed', async () => {
    assert.deepEqual(await migrate(database()), { applied: [], version: 3 });
    const t = setUp(database());
    const [first] = migrations;
    assert(first);
    await t.select("UPDATE schema_migration SET checksum = 'x' WHERE version = 1");
    await assert.rejects(migrate(database()), { code: 'WAREHOUSE_SCHEMA' });
    const session = await database().connect();
    await assert.rejects(requireSchema(session), { code: 'WAREHOUSE_SCHEMA' });
    await session.close();
    await t.select(`UPDATE schema_migration SET checksum = '${checksumOf(first, 'postgres')}' WHERE version = 1`);
  });
}

function interceptingQueries(database: Database, intercept: <T>(sql: string, run: () => Promise<T>) => Promise<T>): Database {
  return {
    dialect: database.dialect,
    async connect() {
      const session = await database.connect();
      return {
        dialect: session.dialect,
        query: (sql) => intercept(sql, () => session.query(sql)),
        copyIn: (sql, chunks) => session.copyIn(sql, chunks),
        close: () => session.close(),
      };
    },
  };
}

async function refusesUntilMigrated(url: string): Promise<Database> {
  const database = openDatabase(url);
  const session = await database.connect();
  await assert.rejects(requireSchema(session), { code: 'WAREHOUSE_SCHEMA' });
  assert.deepEqual(await migrate(database), { applied: [1, 2, 3], version: 3 });
  await assert.rejects(requireSchema(session), { code: 'WAREHOUSE_SCHEMA' }, 'no calendar');
  assert.equal(await applyCalendar(database, 'UTC'), 'rebuilt');
  await requireSchema(session);
  await session.close();
  return database;
}

describe('loader into PGlite over the wire', () => {
  const runDir = mkdtempSync(join(tmpdir(), 'loader-'));
  let stop: (() => Promise<void>) | undefined;
  let database: Database;

  before(async function () {
    this.timeout(60_000);
    const stack = await startStack({ runDir, parts: ['postgres'] });
    stop = () => stack.stop();
    database = await refusesUntilMigrated(stack.warehouseUrl);
  });
  after(async () => {
    await stop?.();
    rmSync(runDir, { recursive: true, force: true });
  });

  warehouseContract(() => database);
});

describe('loader into PostgreSQL', () => {
  let stop: (() => Promise<void>) | undefined;
  let url = '';
  let database: Database;

  before(async function () {
    this.timeout(60_000);
    requirePart(this, 'postgres');
    const server = await startRealPostgres();
    stop = () => server.stop();
    url = server.url;
    database = await refusesUntilMigrated(url);
  });
  after(async () => await stop?.());

  warehouseContract(() => database);

  it('two committers on different shards insert the copies of one event once', async function () {
    this.timeout(60_000);
    const t = setUp(database);
    const before = await t.count('booking_event');
    const committers = ['s0', 's1'].map((shardId) => t.committer(database, undefined, onlyShard(t.registry, shardId)));
    for (let round = 0; round < 10; round++) {
      const events = Array.from({ length: 20 }, () => bookingEventOf(booking(), 1));
      await t.stage('s0', events);
      await t.stage('s1', events);
      await Promise.all(committers.map((committer) => committer.run()));
    }
    assert.equal((await t.count('booking_event')) - before, 200);
    assert.deepEqual(await t.ledger(), { copied: 400, inserted: 200 });
  });

  it('two committers racing for the same files load them once', async function () {
    this.timeout(60_000);
    const t = setUp(database);
    const before = await t.count('booking_event');
    for (let round = 0; round < 10; round++) {
      await t.stage('s0', [bookingEventOf(booking(), 1)]);
      const outcomes = await Promise.all([t.committer().run(), t.committer().run()]);
      const won = outcomes.filter((outcome) => typeof outcome === 'object');
      assert.equal(won.length, 1, JSON.stringify(outcomes));
    }
    assert.equal((await t.count('booking_event')) - before, 10);
  });

  it('a load that waits for a dead committer gives up in time; ending it, and no reader, frees the gate', async () => {
    const t = setUp(database);
    await t.stage('s', [bookingEventOf(booking(), 1)]);
    const dead = await openDatabase(url).connect();
    await dead.query('BEGIN');
    await takeGate(dead);
    const reader = await openDatabase(url).connect();
    await reader.query('BEGIN');
    await reader.query('SELECT n FROM load_gate');
    const impatient = openDatabase(url, { ...defaultSessionLimits, lockMs: 300 });
    await assert.rejects(t.committer(impatient).run(), { code: 'WAREHOUSE_CONFLICT' });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    assert.equal(await endDeadHolders(database, 3_600_000), 0, 'not dead for an hour');
    assert.equal(await endDeadHolders(database, 1_000), 1);
    assert.deepEqual(await t.committer().run(), { kind: 'committed', more: false });
    assert.equal((await reader.query('COMMIT')).command, 'COMMIT', 'who only reads blocks nobody');
    for (const session of [dead, reader]) await session.close();
  });

  it('the server itself ends a transaction whose committer fell silent', async () => {
    const silent = await openDatabase(url, { ...defaultSessionLimits, lockMs: 200 }).connect();
    await silent.query('BEGIN');
    assert.equal(silent.limits?.lockMs, 200, 'what takeGate goes by');
    await takeGate(silent);
    const t = setUp(database);
    await t.stage('s', [bookingEventOf(booking(), 1)]);
    assert.deepEqual(await t.committer().run(), { kind: 'committed', more: false });
    await silent.close();
  });

  it('a warehouse that is away is an error that a retry can cure', async () => {
    const t = setUp(openDatabase('postgres://postgres@127.0.0.1:1/postgres'));
    await t.stage('s', [bookingEventOf(booking(), 1)]);
    await assert.rejects(t.committer().run(), { code: 'WAREHOUSE_UNAVAILABLE', retriable: true });
    await t.stage('s', [bookingEventOf(booking(), 1)]);
    assert.equal(await t.registry.head('s'), at(2), 'the shard goes on');
  });
});

/** The registry as a committer would see it that planned this shard alone. */
function onlyShard(registry: LoadRegistry, shardId: string): LoadRegistry {
  return {
    head: (id) => registry.head(id),
    append: (file) => registry.append(file),
    heads: async () => new Map([...(await registry.heads())].filter(([id]) => id === shardId)),
    files: (...args) => registry.files(...args),
    filesBefore: (...args) => registry.filesBefore(...args),
    replaceObject: (...args) => registry.replaceObject(...args),
    remove: (file) => registry.remove(file),
  };
}
