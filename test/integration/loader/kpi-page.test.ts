import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { BookingEvent } from '../../../services/lib/events/booking-event.ts';
import { views } from '../../../services/lib/warehouse/views.ts';
import { bookingEventOf } from '../../services/redshift-loader/memory.ts';
import { openPGliteWarehouse, type PGliteWarehouse } from '../../support/pglite-warehouse.ts';
import { ShardLoads } from '../../support/warehouse-loads.ts';

const page = readFileSync(new URL('../../../docs/kpis.md', import.meta.url), 'utf8');

/** The tables between a heading and the next one, each as its rows by column. */
function tablesUnder(heading: string): Record<string, string>[][] {
  const section = page.split(`${heading}\n`)[1]?.split(/^#/m)[0] ?? '';
  return [...section.matchAll(/(?:^\|.*\n)+/gm)].map(([table]) => {
    const [names = [], , ...rows] = table
      .trim()
      .split('\n')
      .map((line) => line.slice(2, -2).split(' | '));
    return rows.map((cells) => Object.fromEntries(names.map((name, i) => [name, cells[i] ?? ''])));
  });
}

describe('the examples of docs/kpis.md', function () {
  this.timeout(60_000);
  let warehouse: PGliteWarehouse;
  before(async () => {
    warehouse = await openPGliteWarehouse('Europe/Berlin');
    const [lines = []] = tablesUnder('## The example');
    const events = lines.map((line) =>
      bookingEventOf(line['booking'] ?? '', Number(line['version']), {
        type: line['type'] as BookingEvent['type'],
        occurredAt: Date.parse(`${line['occurred_at (UTC)']}Z`),
        tourId: line['tour'] ?? '',
        channel: line['channel'] ?? '',
        seats: Number(line['seats']),
        amountMinor: Number(line['amount_minor']),
        currency: line['currency'] ?? '',
      }),
    );
    assert.equal(events.length, 8);
    const shard = new ShardLoads(warehouse.database, 's-example');
    await shard.load([{ events: events.filter((_, i) => i !== 3) }], Date.UTC(2026, 2, 30, 0, 10));
    await shard.load([{ events: events.filter((_, i) => i === 3) }], Date.UTC(2026, 2, 30, 0, 20));
    const [alerts = []] = tablesUnder('### kpi_fraud_daily');
    for (const [i, alert] of alerts.entries()) {
      const at = `'${alert['at (UTC)']}'`;
      const published = alert['published'] === 'yes' ? at : 'NULL';
      await warehouse.db.query(
        `INSERT INTO fraud_alert VALUES ('${i}', 'churn', 1, 'live', 'high', '${alert['action']}', '${alert['user']}', ${at}, ${at}, ${at},
         3, 3, '[]', ${alert['warming']}, ${published}, NULL, ${at})`,
      );
    }
  });
  after(() => warehouse.db.close());

  for (const { name } of views) {
    it(`are what ${name} shows, with columns that the page explains`, async () => {
      const expected = tablesUnder(`### ${name}`).at(-1) ?? [];
      const columns = Object.keys(expected[0] ?? {});
      const { rows } = await warehouse.db.query(
        `SELECT ${columns.map((column) => `CAST(${column} AS VARCHAR) AS ${column}`).join(', ')} FROM ${name} ORDER BY ${columns.map((_, i) => i + 1).join(', ')}`,
      );
      const sorted = (some: readonly unknown[]): string[] => some.map((row) => JSON.stringify(row)).sort();
      assert.deepEqual(sorted(rows), sorted(expected));

      const known = await warehouse.db.query<{ column_name: string }>(
        `SELECT column_name FROM information_schema.columns WHERE table_name = '${name}'`,
      );
      const section = page.split(`### ${name}\n`)[1]?.split(/^#/m)[0] ?? '';
      const measures = tablesUnder('## Measures')[0]?.map((row) => row['column']) ?? [];
      for (const { column_name: column } of known.rows) {
        assert(measures.includes(`\`${column}\``) || section.includes(`\`${column}\``) || columns.includes(column), `${name}.${column}`);
      }
    });
  }
});
