import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DynamoDBClient, PutItemCommand, paginateScan } from '@aws-sdk/client-dynamodb';
import { exportAlerts } from '../../scripts/alerts/export.ts';
import { exportFlags, listFlags, releaseFlags, showFlags } from '../../scripts/alerts/flags.ts';
import type { AlertsIo } from '../../scripts/alerts/io.ts';
import { listAlerts } from '../../scripts/alerts/list.ts';
import { releaseAlerts } from '../../scripts/alerts/release.ts';
import { showAlert } from '../../scripts/alerts/show.ts';
import { parseFlags, UsageError } from '../../scripts/cli/flags.ts';
import { createResources, type LocalStack, startStack } from '../../scripts/local/stack.ts';
import { AlertStore } from '../../services/fraud-detector/alert-store.ts';
import { fraudDetector } from '../../services/fraud-detector/service.ts';
import { itemOf, type StoredAlert } from '../../services/lib/alerts/stored-alert.ts';
import { openObjectStore } from '../../services/lib/objects/open.ts';
import { awsConfig, dynamoClient } from '../../services/lib/process/aws.ts';
import { loadConfig } from '../../services/lib/process/config.ts';
import { DynamoRulesStore, rulesTable } from '../../services/lib/rules/live/dynamo-rules-store.ts';
import { firstPointer, withWithheld } from '../../services/lib/rules/live/pointer.ts';
import { requirePart } from '../support/optional.ts';

const now = Date.UTC(2026, 10, 23, 12);
const [minute, hour, day] = [60_000, 3_600_000, 86_400_000];

const idOf = (n: number): string => n.toString(16).padStart(32, '0');
/** Alert n was raised that many ms ago. */
function alertOf(n: number, ago: number, of: Partial<StoredAlert['alert']> = {}): StoredAlert {
  const at = now - ago - 400;
  const evidence = [at - minute, at].map((occurredAt, i) => ({ eventId: `${idOf(n).slice(1)}${i}`, occurredAt }));
  const rule = { ruleId: 'churn', ruleVersion: 2, mode: 'live', severity: 'high', key: 'user-1' } as const;
  const alert = { alertId: idOf(n), ...rule, at, triggeredBy: evidence[1]?.eventId ?? '', value: 2, evidenceCount: 2, evidence, ...of };
  return { alert, action: 'lock', raisedAt: now - ago, arrivedAt: now - ago - 300 };
}

const churn = {
  time: { disorder: 'PT30S', lateness: 'PT15M', maxAhead: 'PT5M' },
  rules: [{ id: 'churn', version: 2, mode: 'live', severity: 'high', key: 'userId', when: {}, count: { atLeast: 2, within: 'PT2M' } }],
};

describe('npm run alerts', () => {
  let runDir: string;
  let stack: LocalStack;
  let dynamo: DynamoDBClient;
  let rules: DynamoRulesStore;

  before(async function () {
    this.timeout(60_000);
    requirePart(this, 'java');
    requirePart(this, 'dynamodb-local');
    runDir = await mkdtemp(join(tmpdir(), 'alerts-command-'));
    stack = await startStack({ runDir, parts: ['dynamodb', 'sns'] });
    const { consumes: _, ...withoutStream } = fraudDetector;
    await createResources(stack, [{ ...withoutStream, tables: [...withoutStream.tables, rulesTable] }]);
    const config = loadConfig(awsConfig, stack.environment());
    dynamo = dynamoClient(config);
    rules = new DynamoRulesStore(dynamo, rulesTable.name, openObjectStore(stack.objectsUrl, config));
    const hash = await rules.putRules(Buffer.from(JSON.stringify(churn)));
    const first = firstPointer({ hash, now, by: 'test' });
    await rules.writePointer(first, { at: now, by: 'test', action: 'seed', details: {} });
    await store([
      alertOf(1, 5 * minute),
      alertOf(2, 20 * hour, { ruleId: 'spree', mode: 'shadow' }),
      alertOf(3, 2 * hour, { key: 'user-2' }),
      alertOf(4, 3 * day),
    ]);
    const alerts = new AlertStore(dynamo, 'fraud-alerts');
    await alerts.markPublished(idOf(4), now);
    await alerts.markPublished(idOf(3), now);
  });

  after(async () => {
    dynamo?.destroy();
    await stack?.stop();
    if (runDir !== undefined) await rm(runDir, { recursive: true, force: true });
  });

  async function store(alerts: readonly StoredAlert[]): Promise<void> {
    for (const stored of alerts) await dynamo.send(new PutItemCommand({ TableName: 'fraud-alerts', Item: itemOf(stored) }));
  }

  async function run(call: (argv: readonly string[], io: AlertsIo) => Promise<number>, ...argv: string[]) {
    const out: string[] = [];
    const notes: string[] = [];
    const io: AlertsIo = {
      env: {},
      out: (line) => out.push(line),
      note: (line) => notes.push(line),
      now: () => now,
      signal: new AbortController().signal,
      columns: undefined,
      isColored: false,
    };
    const code = await call(['--endpoint', stack.dynamoEndpoint, ...argv], io);
    return { code, out, notes: notes.join('\n') };
  }
  const list = (...argv: string[]) => run((args, io) => listAlerts(parseFlags(listFlags, args), io), ...argv);
  const show = (id: string, ...argv: string[]) => run((args, io) => showAlert(id, parseFlags(showFlags, args), io), ...argv);
  const release = (...argv: string[]) => run((args, io) => releaseAlerts(parseFlags(releaseFlags, args), io), ...argv);
  const exported = (...argv: string[]) => run((args, io) => exportAlerts(parseFlags(exportFlags, args), io), ...argv);
  const idsOf = async (...argv: string[]) =>
    (await list('--json', ...argv)).out.map((line) => Number.parseInt((JSON.parse(line) as { alertId: string }).alertId, 16));

  it('lists the last day, the newest first, across midnight', async () => {
    assert.deepEqual(await idsOf(), [1, 3, 2]);
    const { code, out, notes } = await list();
    assert.deepEqual([code, out.length, out[1]?.includes('pending')], [0, 4, true]);
    assert.match(notes, /local http:.*account 000000000000, region us-east-1, table fraud-alerts/);
    assert.match(notes, /3 alerts since 2026-11-22 12:00:00 UTC/);
  });

  it('lists by time, rule, user, mode and state', async () => {
    assert.deepEqual(await idsOf('--since', 'PT1H'), [1]);
    assert.deepEqual(await idsOf('--since', 'P7D', '--rule', 'churn'), [1, 3, 4]);
    assert.deepEqual(await idsOf('--since', '2026-11-20', '--state', 'published'), [3, 4]);
    assert.deepEqual(await idsOf('--user', 'user-1'), [1, 2, 4], 'of all times');
    assert.deepEqual(await idsOf('--user', 'user-1', '--since', 'PT24H', '--mode', 'live'), [1]);
    assert.deepEqual(await idsOf('--state', 'pending'), [1]);
    assert.deepEqual(await idsOf('--rule', 'unknown'), []);
  });

  it('says that there are more than it lists', async () => {
    const { out, notes } = await list('--limit', '2');
    assert.deepEqual([out.length, notes.includes('there are more')], [3, true]);
    assert.ok(!(await list('--limit', '3')).notes.includes('there are more'));
  });

  it('shows an alert against the published rule, or against a file', async () => {
    const { code, out } = await show(idOf(1), '--objects', stack.objectsUrl);
    assert.equal(code, 0);
    assert.ok(out.includes('found       2 events in 1 min; the rule asks for 2 within 2 min'));
    const file = join(runDir, 'rules.json');
    const [rule] = churn.rules;
    await writeFile(file, JSON.stringify({ ...churn, rules: [{ ...rule, count: { atLeast: 2, within: 'PT4M' } }] }));
    assert.ok((await show(idOf(1), '--rules', file)).out.some((line) => line.includes('1 min of the 4 min')));
    assert.ok((await show(idOf(1))).out.some((line) => line.includes('its rule is not known here')));
    const [json] = (await show(idOf(3), '--json')).out;
    const { state, key, publishedAt } = JSON.parse(json ?? '') as Record<string, unknown>;
    assert.deepEqual([state, key, publishedAt], ['published', 'user-2', now]);
  });

  it('ends with 1 for an alert that is not there, and refuses what is no id', async () => {
    assert.equal((await show(idOf(99))).code, 1);
    await assert.rejects(show('abc'), UsageError);
  });

  it('exports the oldest first, to a new file only', async () => {
    const file = join(runDir, 'alerts.ndjson');
    assert.equal((await exported('--out', file, '--since', 'P7D')).code, 0);
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => (JSON.parse(line) as { alertId: string }).alertId),
      [4, 2, 3, 1].map(idOf),
    );
    await assert.rejects(exported('--out', file), /it is there already/);
    const csv = join(runDir, 'alerts.csv');
    await exported('--out', csv, '--user', 'user-2');
    assert.equal((await readFile(csv, 'utf8')).split('\r\n').length, 3);
    await assert.rejects(exported('--out', join(runDir, 'no', 'alerts.csv')), /there is no folder/);
    await assert.rejects(exported('--out', 'alerts.txt'), UsageError);
    await assert.rejects(exported('--out', join(runDir, 'late.csv'), '--table', 'unknown'), /no such table/);
    assert.ok(!(await readdir(runDir)).includes('late.csv'));
  });

  it('releases what was withheld only with --yes, once its rule is no longer withheld, and leaves an audit', async () => {
    await store([alertOf(11, 10 * minute), alertOf(12, 11 * minute, { key: 'user-3' }), alertOf(13, 5 * hour)]);
    const alerts = new AlertStore(dynamo, 'fraud-alerts');
    for (const n of [11, 12, 13]) await alerts.markWithheld(idOf(n), now);
    const args = ['--rule', 'churn', '--since', 'PT1H'];
    const withheld = () => idsOf('--state', 'withheld');

    const dry = await release(...args);
    assert.deepEqual([dry.code, dry.out, await withheld()], [0, [], [11, 12, 13]]);
    assert.match(dry.notes, /2 withheld alerts of churn .* of 2 users[\s\S]*dry run/);

    const pointer = await rules.readPointer();
    assert.ok(pointer !== undefined);
    const held = withWithheld(pointer, ['churn']);
    await rules.writePointer(held, { at: now, by: 'test', action: 'withhold', details: {} });
    const refused = await release(...args, '--yes');
    assert.deepEqual([refused.code, refused.out, await withheld()], [1, [], [11, 12, 13]]);
    assert.match(refused.notes, /still withheld/);

    await rules.writePointer(withWithheld(held, []), { at: now, by: 'test', action: 'resume', details: {} });
    const { code, out } = await release(...args, '--yes', '--json');
    const { released, ok, dryRun } = JSON.parse(out[0] ?? '') as Record<string, unknown>;
    assert.deepEqual([code, released, ok, dryRun, await withheld()], [0, 2, true, false, [13]]);
    assert.deepEqual(await idsOf('--state', 'pending'), [1, 11, 12]);
    const audits: string[] = [];
    for await (const { Items = [] } of paginateScan({ client: dynamo }, { TableName: rulesTable.name })) {
      audits.push(...Items.filter(({ action }) => action?.S === 'release').map(({ details }) => details?.S ?? ''));
    }
    const figures = audits.map((details) => (JSON.parse(details) as { released?: number }).released ?? 'begun');
    assert.deepEqual(new Set(figures), new Set(['begun', 2]));
  });

  it('wants to know whose alerts are meant', async () => {
    const io = { env: {}, note: () => undefined } as unknown as AlertsIo;
    const elsewhere = (env: NodeJS.ProcessEnv, ...argv: string[]) =>
      listAlerts(parseFlags(listFlags, argv), { ...io, env, now: () => now });
    await assert.rejects(elsewhere({}), /--stage STAGE, or --endpoint/);
    await assert.rejects(elsewhere({ DYNAMODB_ENDPOINT: 'http://10.0.0.1:8000' }), UsageError);
    await assert.rejects(elsewhere({}, '--stage', 'prod', '--endpoint', 'http://127.0.0.1:1'), UsageError);
    await assert.rejects(elsewhere({}, '--stage', 'prod'), /AWS_REGION is not set/);
    await assert.rejects(list('--since', '2020-01-01'), /at most 400 days back/);
    await assert.rejects(release('--rule', 'churn'), /--since TIME is needed/);
    await assert.rejects(release(), /--rule RULE is needed.*--since TIME is needed/);
  });
});
