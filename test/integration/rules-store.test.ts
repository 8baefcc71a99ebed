import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type DynamoDBClient, ScanCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { parseFlags } from '../../scripts/cli/flags.ts';
import { createResources, type LocalStack, startStack } from '../../scripts/local/stack.ts';
import { rulesPublishFlags } from '../../scripts/rules-publish/flags.ts';
import { rulesPublish } from '../../scripts/rules-publish/rules-publish.ts';
import { defaultRules, defaultRulesFile } from '../../services/fraud-detector/default-rules.ts';
import { FileStore } from '../../services/lib/objects/file-store.ts';
import type { ObjectStore } from '../../services/lib/objects/object-store.ts';
import { awsConfig, dynamoClient } from '../../services/lib/process/aws.ts';
import { loadConfig } from '../../services/lib/process/config.ts';
import { isPlatformError } from '../../services/lib/process/errors.ts';
import { createLogger } from '../../services/lib/process/log.ts';
import { Metrics } from '../../services/lib/process/metrics.ts';
import { defineService } from '../../services/lib/process/service.ts';
import { DynamoRulesStore, rulesPrefix, rulesTable } from '../../services/lib/rules/live/dynamo-rules-store.ts';
import { type RulesPointer, withGeneration, withWithheld } from '../../services/lib/rules/live/pointer.ts';
import { RulesSource } from '../../services/lib/rules/live/rules-source.ts';
import { hashOf, type RulesAudit, readOrSeed } from '../../services/lib/rules/live/rules-store.ts';
import { requirePart } from '../support/optional.ts';

const now = 1_790_000_000_000;
const rules = Buffer.from('{"rules":"of the build"}');
const auditOf = (action: RulesAudit['action']): RulesAudit => ({ at: now, by: 'tester', action, details: { why: 'a test' } });

describe('the rules table and its objects', () => {
  let runDir: string;
  let stack: LocalStack;
  let dynamo: DynamoDBClient;
  let objects: ObjectStore;
  let store: DynamoRulesStore;

  before(async function () {
    this.timeout(60_000);
    requirePart(this, 'java');
    requirePart(this, 'dynamodb-local');
    runDir = await mkdtemp(join(tmpdir(), 'rules-'));
    stack = await startStack({ runDir, parts: ['dynamodb'] });
    const reader = {
      name: 'reader',
      summary: '',
      runtime: 'task',
      config: {},
      produces: [],
      topics: [],
      objects: [],
      actions: [],
    } as const;
    await createResources(stack, [defineService({ ...reader, tables: [rulesTable], size: { cpu: 256, memoryMiB: 512 } })]);
    dynamo = dynamoClient(loadConfig(awsConfig, stack.environment()));
    objects = new FileStore(join(runDir, 'objects'));
    store = new DynamoRulesStore(dynamo, rulesTable.name, objects);
  });

  after(async () => {
    dynamo?.destroy();
    await stack?.stop();
    if (runDir !== undefined) await rm(runDir, { recursive: true, force: true });
  });

  const audits = async (): Promise<string[]> => {
    const { Items = [] } = await dynamo.send(new ScanCommand({ TableName: rulesTable.name, ConsistentRead: true }));
    return Items.filter((item) => item['item']?.S?.startsWith('audit#')).map((item) => item['action']?.S ?? '');
  };

  it('has no pointer at first; of many that make the first one, one does', async () => {
    assert.equal(await store.readPointer(), undefined);
    const seeded = await Promise.all(Array.from({ length: 8 }, (_, i) => readOrSeed(store, rules, now + i)));
    for (const pointer of seeded) assert.deepEqual(pointer, seeded[0]);
    assert.deepEqual(await store.readRules(seeded[0]?.generations[0]?.hash ?? ''), rules);
    assert.deepEqual(await audits(), ['seed']);
  });

  it('takes one of two publications that saw the same pointer, with its audit, and gives back what it took', async () => {
    const seen = (await store.readPointer()) as RulesPointer;
    const outcomes = await Promise.all(
      ['one', 'other'].map((by) => {
        const next = withGeneration(seen, { hash: hashOf(rules), now, by });
        return store.writePointer(next, auditOf('publish'));
      }),
    );
    assert.deepEqual(outcomes.toSorted(), ['lost', 'written']);
    const pointer = (await store.readPointer()) as RulesPointer;
    assert.deepEqual([pointer.version, pointer.generations.length], [2, 2]);
    assert.deepEqual((await audits()).toSorted(), ['publish', 'seed']);
    for (const withheld of [['churn', 'spender'], 'all', []] as const) {
      const next = withWithheld((await store.readPointer()) as RulesPointer, withheld);
      assert.equal(await store.writePointer(next, auditOf('withhold')), 'written');
      assert.deepEqual(await store.readPointer(), next);
    }
  });

  it('is what the command writes to and detectors read, in one account that the command names', async () => {
    const path = join(runDir, 'rules.json');
    await writeFile(path, JSON.stringify({ ...defaultRules, rules: [] }));
    await store.putRules(defaultRulesFile);
    const seen = (await store.readPointer()) as RulesPointer;
    const valid = withGeneration(seen, { hash: hashOf(defaultRulesFile), now: now - 120_000, by: 'tester' });
    assert.equal(await store.writePointer(valid, auditOf('publish')), 'written');

    const out: string[] = [];
    const notes: string[] = [];
    const endpoint = stack.environment()['DYNAMODB_ENDPOINT'] ?? '';
    const argv = ['--endpoint', endpoint, '--objects', pathToFileURL(join(runDir, 'objects')).href, '--rules', path, '--yes', '--json'];
    const code = await rulesPublish(parseFlags(rulesPublishFlags, argv), {
      env: {},
      out: (line) => out.push(line),
      note: (line) => notes.push(line),
      now: () => now + 60_000,
      operator: 'tester',
      signal: new AbortController().signal,
    });
    assert.equal(code, 0);
    const result = JSON.parse(out.join('')) as Record<string, unknown>;
    assert.deepEqual([result['type'], result['ok'], result['stage'], result['activeFrom']], ['result', true, 'local', now + 120_000]);
    assert.match(notes[0] ?? '', /account 0+, region us-east-1, table fraud-rules/);

    const reader = {
      store,
      defaults: defaultRulesFile,
      now: () => now,
      log: createLogger('reader', 'error', () => {}),
      metrics: new Metrics(),
    };
    const source = new RulesSource(reader);
    const timeline = await source.timeline(now);
    const rulesAt = async (arrival: number) => (await source.rules(timeline.generationFor(0, arrival).generation)).rules.length;
    assert.deepEqual([await rulesAt(now + 119_999), await rulesAt(now + 120_000)], [1, 0]);
  });

  it('refuses a pointer that somebody has spoilt, and a table that is not there', async () => {
    const spoil = { TableName: rulesTable.name, Key: { item: { S: 'pointer' } }, ExpressionAttributeNames: { '#g': 'generations' } };
    await dynamo.send(new UpdateItemCommand({ ...spoil, UpdateExpression: 'REMOVE #g' }));
    await assert.rejects(store.readPointer(), (error) => isPlatformError(error, 'RULES_INVALID'));
    const nowhere = new DynamoRulesStore(dynamo, 'not-there', objects);
    await assert.rejects(nowhere.readPointer(), (error) => isPlatformError(error, 'TABLE_UNAVAILABLE') && !error.retriable);
  });

  it('tells rules that are missing from rules that are not those of their name', async () => {
    await assert.rejects(store.readRules('0'.repeat(64)), (error) => isPlatformError(error, 'OBJECT_MISSING'));
    await objects.create(`${rulesPrefix}${'1'.repeat(64)}.json`, rules);
    await assert.rejects(store.readRules('1'.repeat(64)), (error) => isPlatformError(error, 'OBJECT_CORRUPT'));
    assert.equal(await store.putRules(rules), hashOf(rules), 'what is there already is left');
  });
});
