import assert from 'node:assert/strict';
import { type Browser, chromium, type Page } from 'playwright-core';
import { type PageServer, startPageServer } from '../../../scripts/demo/page-server.ts';
import type { ShownAlert } from '../../../scripts/demo/snapshot.ts';
import { findProgram } from '../../../scripts/setup/prerequisites.mjs';
import { requirePart } from '../../support/optional.ts';
import { snapshotAt } from './snapshots.ts';

const hostile = '<img src=x onerror="document.title=1">';
const alert = (n: number, key: string): ShownAlert => ({
  alertId: `alert-${n}`,
  ruleId: 'reserve-cancel-churn',
  severity: 'high',
  key,
  at: 3_000,
  value: 3,
  receivedAt: 10_000 + n,
  evidence: [0, 1_000, 3_000].map((occurredAt) => ({ eventId: `event-${occurredAt}`, occurredAt })),
});

describe('the page', () => {
  let browser: Browser;
  let server: PageServer;
  let page: Page;
  let troubles: string[];

  before(async function () {
    this.timeout(60_000);
    requirePart(this, 'chromium');
    browser = await chromium.launch({
      executablePath: findProgram('chromium', process.env) ?? '',
      args: ['--no-sandbox', '--disable-dev-shm-usage'],
    });
  });
  after(() => browser?.close());
  beforeEach(async () => {
    server = await startPageServer(0);
    page = await browser.newPage({ viewport: { width: 1_280, height: 900 } });
    troubles = [];
    page.on('console', (message) => void (message.type() === 'error' && troubles.push(message.text())));
    page.on('pageerror', (error) => troubles.push(String(error)));
  });
  afterEach(async () => {
    await page.close();
    await server.close();
  });

  const text = (selector: string): Promise<string> => page.locator(selector).innerText();
  const open = async (...more: Parameters<typeof snapshotAt>): Promise<void> => {
    server.publish(snapshotAt(...more));
    await page.goto(server.url);
    await page.locator('.tile').first().waitFor();
  };

  it('says what is missing as long as there is nothing', async () => {
    await open(0, { phase: 'starting', sendingSince: undefined, services: [], lag: [], deadLetters: {}, drops: {}, detect: undefined });
    assert.equal(await text('#phase'), 'starting');
    assert.equal(await text('#freshness'), 'warehouse: no data yet');
    assert.match(await text('#no-alerts'), /No alert yet/);
    assert.match(await text('#rates'), /The chart begins/);
    assert.match(await text('#lag'), /No shard is read yet/);
    assert.match(await text('#dead'), /None/);
    assert.deepEqual(troubles, []);
  });

  it('shows figures, freshness, lag per shard and reasons, and follows each snapshot', async () => {
    await open(60_000, { dataAsOf: 57_000 });
    assert.match(await text('#tiles'), /12,345/);
    assert.equal(await text('#freshness'), 'warehouse data as of 3 s ago');
    assert.match(await text('#lag'), /event-router\s+shard 0\s+100 ms\s+shard 1\s+1\.2 s/);
    assert.match(await text('#dead'), /not-utf8\s+3\s+not-json\s+2/);
    server.publish(snapshotAt(61_000, { phase: 'passed', conclusion: 'every record accounted for' }));
    await page.getByText('passed: every record accounted for').waitFor();
    assert.deepEqual(troubles, []);
  });

  it('lists the newest alert first, its evidence as a timeline', async () => {
    await open(12_000, { alerts: [alert(2, 'usr-b'), alert(1, 'usr-a')] });
    server.publish(snapshotAt(13_000, { alerts: [alert(3, 'usr-c'), alert(2, 'usr-b'), alert(1, 'usr-a')] }));
    await page.getByText('usr-c').waitFor();
    assert.deepEqual(
      await page.locator('.who').allInnerTexts(),
      ['usr-c', 'usr-b', 'usr-a'].map((user) => `${user}\nreserve-cancel-churn`),
    );
    assert.match(await text('.alerts li >> nth=0'), /3 within 3\.0 s/);
    const dots = await page
      .locator('.alerts li >> nth=0')
      .locator('circle')
      .evaluateAll((all) => all.map((dot) => Number(dot.getAttribute('cx'))));
    assert.equal(dots.length, 3);
    assert.ok(Math.abs((dots[1] ?? 0) - ((dots[0] ?? 0) * 2 + (dots[2] ?? 0)) / 3) < 1, `a third of the way: ${dots.join(', ')}`);
    assert.deepEqual(troubles, []);
  });

  it('shows markup in an event as the text it is', async () => {
    await open(12_000, {
      alerts: [alert(1, hostile)],
      deadLetters: { [hostile]: 1 },
      drops: { [hostile]: 1 },
      disturbances: [{ at: 0, what: hostile }],
    });
    assert.equal((await text('.who')).split('\n')[0], hostile);
    assert.equal(await page.locator('img').count(), 0);
    assert.match(await page.title(), /TravelBuddy/);
    assert.deepEqual(troubles, []);
  });

  it('keeps the labels of the chart readable on a phone', async () => {
    await page.setViewportSize({ width: 400, height: 800 });
    const history = Array.from({ length: 60 }, (_, i) => ({ at: i * 1_000, sent: 300, routed: 290, rows: 280 }));
    await open(60_000, { history });
    const scale = await page
      .locator('#rates svg')
      .evaluate((svg) => svg.getBoundingClientRect().width / Number(svg.getAttribute('viewBox')?.split(' ')[2]));
    assert.ok(scale > 0.95 && scale < 1.05, `drawn at ${scale} of its size`);
    assert.ok((await page.evaluate<number>('document.documentElement.scrollWidth')) <= 400);
  });

  it('shows whole rows of the alert list', async () => {
    await open(12_000, { alerts: Array.from({ length: 30 }, (_, i) => alert(30 - i, `usr-${30 - i}`)) });
    const list = await page.locator('#alerts').boundingBox();
    const rows = await page.locator('#alerts li').evaluateAll((all) => all.map((row) => row.getBoundingClientRect().bottom));
    const end = (list?.y ?? 0) + (list?.height ?? 0);
    assert.ok(rows.length === 30 && (rows.at(-1) ?? 0) > end, 'there are more rows than fit');
    assert.ok(
      rows.some((bottom) => Math.abs(bottom - end) < 1.5),
      `the list ends at ${end}, rows at ${rows.join(', ')}`,
    );
  });

  it('says when the connection is gone, and takes it up again', async function () {
    this.timeout(20_000);
    await open(12_000);
    const port = Number(new URL(server.url).port);
    await server.close();
    await page.getByText('The connection is gone').waitFor();
    server = await startPageServer(port);
    server.publish(snapshotAt(99_000, { totals: { sent: 777, routed: 0, alerts: 0, locks: 2, rows: 0, repeats: 0 } }));
    await page.getByText('777').waitFor();
    assert.equal(await page.locator('#trouble').isHidden(), true);
  });

  it('follows the light or dark scheme of the reader', async () => {
    await open(12_000);
    const background = () => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    await page.emulateMedia({ colorScheme: 'light' });
    const light = await background();
    await page.emulateMedia({ colorScheme: 'dark' });
    assert.notEqual(await background(), light);
  });
});
