import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { applyCalendar } from '../../../services/lib/warehouse/calendar.ts';
import { postgresCopier } from '../../../services/lib/warehouse/copy.ts';
import { type Database, defaultSessionLimits, openDatabase } from '../../../services/lib/warehouse/database.ts';
import { replaceAlerts } from '../../../services/lib/warehouse/fraud-alerts.ts';
import { takeGate } from '../../../services/lib/warehouse/gate.ts';
import { migrate } from '../../../services/lib/warehouse/migrations.ts';
import { fraudAlertGate } from '../../../services/lib/warehouse/model.ts';
import { alertRow } from '../../../services/redshift-loader/alerts/alert-batch.ts';
import { packObject } from '../../../services/redshift-loader/stage/stage-file.ts';
import { requirePart } from '../../support/optional.ts';
import { openPGliteWarehouse, type PGliteWarehouse } from '../../support/pglite-warehouse.ts';
import { AlertWorld, dayMs } from './alert-world.ts';
import { startRealPostgres } from './real-postgres.ts';

describe('alerts in the warehouse', function () {
  this.timeout(60_000);
  let warehouse: PGliteWarehouse;
  before(async () => {
    warehouse = await openPGliteWarehouse();
  });
  after(() => warehouse.db.close());

  const world = (): AlertWorld => new AlertWorld(warehouse.database);

  it('stand there as they are stored, every column', async () => {
    const t = world();
    const id = t.raise(t.now, { key: 'a"\n,b', value: 2 ** 53 + 2 });
    await t.load().run();
    const [row] = await t.select(
      `SELECT rule_id, rule_version, mode, severity, action, user_id, at::text, raised_at::text, arrived_at::text, value::text,
        evidence_count::text, evidence, warming, published_at, withheld_at, loaded_at::text FROM fraud_alert WHERE alert_id = '${id}'`,
    );
    assert.deepEqual(row, {
      rule_id: 'reserve-cancel-churn',
      rule_version: 1,
      mode: 'live',
      severity: 'high',
      action: 'lock',
      user_id: 'a"\n,b',
      at: '2026-11-23 11:59:59.5',
      raised_at: '2026-11-23 12:00:00',
      arrived_at: '2026-11-23 11:59:59.95',
      value: '9007199254740994',
      evidence_count: '2',
      evidence: [
        { eventId: `${'e'.repeat(31)}1`, occurredAt: t.now - 2_000 },
        { eventId: `${'e'.repeat(31)}2`, occurredAt: t.now - 1_000 },
      ],
      warming: 0,
      published_at: null,
      withheld_at: null,
      loaded_at: '2026-11-23 12:00:00',
    });
  });

  it('are there once, however often they are read, and are written only when something changed', async () => {
    const t = world();
    const ids = [t.raise(), t.raise(t.now - dayMs), t.raise(t.now - 20 * dayMs)];
    const load = t.load();
    await load.run();
    await load.run();
    await t.load().run();
    assert.deepEqual(await t.loaded(), ids.sort());
    assert.deepEqual([t.copies, t.counter('fraud_alerts_loaded')], [1, 3]);
    assert.equal(t.store.objects.size, 0, 'nothing stays in the stage');
  });

  it('follow what becomes of them: withheld, released, published', async () => {
    const t = world();
    const [a, b] = [t.raise(t.now - dayMs), t.raise(t.now - 1)];
    const load = t.load();
    await load.run();
    t.mark(a, { withheldAt: t.now });
    t.mark(b, { publishedAt: t.now });
    await load.run();
    assert.deepEqual(await t.loaded(), [`${a} withheld`, `${b} published`].sort());
    t.mark(a, {});
    await load.run();
    assert.deepEqual(await t.loaded(), [a, `${b} published`].sort());
    t.mark(a, { publishedAt: t.now });
    await load.run();
    assert.deepEqual(await t.loaded(), [`${a} published`, `${b} published`].sort());
    const [day] = await t.select("SELECT SUM(published) AS published FROM kpi_fraud_daily WHERE business_day >= '2026-11-22'");
    assert(Number(day?.['published']) >= 2);
  });

  it('come late to the day before the last pass, and to the days that no pass saw', async () => {
    const t = world();
    t.now = Date.UTC(2026, 5, 10, 23, 59, 59);
    const load = t.load();
    await load.run();
    t.days.length = 0;
    const late = t.raise(Date.UTC(2026, 5, 9, 0, 0, 1));
    t.now += 500;
    await load.run();
    assert.deepEqual(t.days, ['2026-06-09', '2026-06-10', '2026-06-11']);
    assert.deepEqual(await t.loaded(), [late]);
  });

  it('of older days are looked at again once a day, and no further back than they are looked for', async () => {
    const t = world();
    t.now = Date.UTC(2026, 3, 1, 6);
    const old = t.raise(t.now - 10 * dayMs);
    t.raise(t.now - 32 * dayMs);
    const load = t.load();
    await load.run();
    t.mark(old, { publishedAt: t.now });
    t.now += 17 * 3_600_000;
    await load.run();
    assert.deepEqual(await t.loaded(), [old], 'not before the next day');
    t.now += 3_600_000;
    t.days.length = 0;
    await load.run();
    assert.deepEqual([t.days[0], t.days.at(-1), t.days.length], ['2026-03-03', '2026-04-03', 32]);
    assert.deepEqual(await t.loaded(), [`${old} published`]);
  });

  it('are told of and left out when they are none, or do not fit; the others are loaded', async () => {
    const t = world();
    const none = t.raise();
    t.items.set(none, { ...t.items.get(none), alert: { S: '{}' } });
    t.raise(t.now, { value: 1.5 });
    t.raise(t.now, { key: 'u'.repeat(385) });
    const good = t.raise();
    const load = t.load();
    await load.run();
    await load.run();
    assert.deepEqual(await t.loaded(), [good]);
    assert.equal(t.counter('fraud_alerts_skipped'), 3);
  });

  it('go a bounded number at a time, in one transaction each: what stopped half-way goes on', async () => {
    const t = world();
    for (let n = 0; n < 8; n++) t.raise(t.now - n * dayMs);
    const copier = postgresCopier(t.store);
    let copies = 0;
    const failing = t.load({
      batchRows: 3,
      copier: {
        ...copier,
        copy: async (...args) => {
          if (++copies === 2) throw new Error('away');
          return copier.copy(...args);
        },
      },
    });
    await assert.rejects(failing.run(), /away/);
    assert.equal((await t.loaded()).length, 3);
    assert.equal(t.store.objects.size, 0);
    await failing.run();
    assert.deepEqual([(await t.loaded()).length, copies], [8, 4]);
  });

  it('tell how old the last whole pass is', async () => {
    const t = world();
    let away = true;
    const load = t.load({
      alerts: async function* () {
        if (away) throw new Error('away');
        yield [];
      },
    });
    t.now += 5_000;
    await assert.rejects(load.run());
    load.reportAge();
    assert.equal(t.gauge('fraud_alert_load_age_ms'), 5_000);
    away = false;
    await load.run();
    t.now += 70;
    load.reportAge();
    assert.equal(t.gauge('fraud_alert_load_age_ms'), 70);
  });

  it('stay published when somebody brings what he read before', async () => {
    const t = world();
    const id = t.raise();
    const before = t.items.get(id) ?? {};
    t.mark(id, { publishedAt: t.now });
    await t.load().run();
    const row = alertRow(before, t.now);
    assert(row.kind === 'ok');
    const { body, object } = await packObject('stage/alerts/stale', Buffer.from(row.value.line));
    await t.store.create(object.key, body);
    const session = await warehouse.database.connect();
    await replaceAlerts(session, postgresCopier(t.store), object, 1);
    await session.close();
    assert.deepEqual(await t.loaded(), [`${id} published`]);
  });

  it('change nothing when fewer came than were staged', async () => {
    const t = world();
    const body = gzipSync('');
    const { object } = await packObject('stage/alerts/empty', Buffer.alloc(0));
    await t.store.create(object.key, body);
    const session = await warehouse.database.connect();
    await assert.rejects(replaceAlerts(session, postgresCopier(t.store), object, 1), { code: 'WAREHOUSE_MISMATCH' });
    await session.close();
  });
});

describe('alerts in a PostgreSQL, by several tasks', function () {
  this.timeout(60_000);
  let stop: (() => Promise<void>) | undefined;
  let url: string;
  let database: Database;

  before(async function () {
    requirePart(this, 'postgres');
    const server = await startRealPostgres();
    stop = () => server.stop();
    url = server.url;
    database = openDatabase(url);
    await migrate(database);
    await applyCalendar(database, 'UTC');
  });
  after(async () => await stop?.());

  /** Of two transactions: none commits before the other is about to, or waits for a lock. */
  function meetingAtCommit(): Database {
    let there = 0;
    const isMet = async (): Promise<boolean> => {
      const asking = await database.connect();
      const { rows } = await asking.query("SELECT COUNT(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock'");
      await asking.close();
      return there === 2 || Number(rows[0]?.['n']) > 0;
    };
    return {
      dialect: database.dialect,
      async connect() {
        const session = await database.connect();
        return {
          dialect: session.dialect,
          async query(sql) {
            // Its lock would keep the other out; on Redshift it is not sent.
            if (sql.startsWith('ANALYZE')) return { rows: [], affected: 0, command: 'ANALYZE' };
            if (sql === 'COMMIT') {
              there += 1;
              while (!(await isMet()));
            }
            return session.query(sql);
          },
          copyIn: (sql, chunks) => session.copyIn(sql, chunks),
          close: () => session.close(),
        };
      },
    };
  }

  it('are there once when two load them at the same time, new ones and changed ones', async () => {
    const t = new AlertWorld(database);
    const [a, b] = [t.raise(), t.raise()];
    for (const marks of [{}, { withheldAt: t.now }]) {
      t.mark(a, marks);
      const both = meetingAtCommit();
      await Promise.all([t.load({ database: both }).run(), t.load({ database: both }).run()]);
      assert.deepEqual(await t.loaded(), [marks.withheldAt === undefined ? a : `${a} withheld`, b].sort());
    }
  });

  it('do not wait for a load of events, nor it for them', async () => {
    const t = new AlertWorld(openDatabase(url, { ...defaultSessionLimits, lockMs: 500 }));
    const events = await database.connect();
    await events.query('BEGIN');
    await takeGate(events);
    const id = t.raise();
    await t.load().run();
    assert.deepEqual(await t.loaded(), [id]);
    await events.close();
  });

  it('wait for another load of alerts, and give up in time', async () => {
    const t = new AlertWorld(openDatabase(url, { ...defaultSessionLimits, lockMs: 300 }));
    const other = await database.connect();
    await other.query('BEGIN');
    await takeGate(other, fraudAlertGate);
    t.raise();
    await assert.rejects(t.load().run(), { code: 'WAREHOUSE_CONFLICT' });
    await other.close();
  });
});
