import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { kclConsumerConfig } from '../../../../services/lib/kcl/config.ts';
import { launchSettings, type NodeProcess } from '../../../../services/lib/kcl/launch-settings.ts';
import { text, textOr } from '../../../../services/lib/process/config.ts';
import { isPlatformError } from '../../../../services/lib/process/errors.ts';
import { sampleConsumer } from '../../../support/sample-consumer.ts';

const definition = sampleConsumer(
  'sample',
  { ...kclConsumerConfig, EVENTS_STREAM: textOr('booking-events'), NEEDED: text },
  { streamName: 'booking-events', streamConfigKey: 'EVENTS_STREAM', idleTimeBetweenReadsMs: 400, maxRecords: 2_000 },
);

describe('launch settings', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 's-'));
  const script = path.join(folder, 'main.js');
  const node: NodeProcess = { script, execArgv: [], version: '22.1.0' };
  const jars = path.join(folder, 'jars');
  const jarsOf2 = ['amazon-kinesis-client-multilang-2.7.2.jar', 'amazon-kinesis-client-2.7.2.jar', 'kinesis-2.33.0.jar'];
  const bin = path.join(folder, 'bin');
  const local = {
    AWS_REGION: 'us-east-1',
    LOCAL_MODE: 'true',
    KINESIS_ENDPOINT: 'http://127.0.0.1:1',
    DYNAMODB_ENDPOINT: 'http://127.0.0.1:2',
    SNS_ENDPOINT: 'http://127.0.0.1:3',
  };
  const stage = { AWS_REGION: 'eu-central-1', NEEDED: 'x', KCL_JARS: jars, PATH: bin };

  before(() => {
    for (const made of [jars, bin]) mkdirSync(made);
    writeFileSync(script, '');
    for (const jar of jarsOf2) writeFileSync(path.join(jars, jar), '');
    writeFileSync(path.join(bin, 'java'), '', { mode: 0o755 });
  });
  after(() => rmSync(folder, { recursive: true }));

  it("follow the service's declaration and the stage's names", () => {
    const settings = launchSettings(definition, { ...stage, APPLICATION: 'sample-prod', EVENTS_STREAM: 'events-prod' }, node);
    assert.equal(settings.java, path.join(bin, 'java'));
    assert.equal(path.basename(settings.folder), path.basename(folder));
    assert.deepEqual(settings.daemonOptions('task-9'), {
      kclLine: 2,
      application: 'sample-prod',
      streamName: 'events-prod',
      workerId: 'task-9',
      region: 'eu-central-1',
      childCommand: ['node', 'main.js', 'child'],
      nodeMajor: '22',
      retrievalMode: 'POLLING',
      idleTimeBetweenReadsMs: 400,
      maxRecords: 2_000,
      failoverTimeMs: 10_000,
      shardSyncIntervalMs: 60_000,
      parentShardPollIntervalMs: 10_000,
      childTimeoutS: 300,
      metricsLevel: 'SUMMARY',
      shutdownGraceMs: 40_000,
    });
  });

  it('are quicker on one machine, unless told otherwise', () => {
    const options = launchSettings(definition, { ...stage, ...local, KCL_SHARD_SYNC_MS: '7000', KCL_IDLE_MS: '250' }, node).daemonOptions(
      'w',
    );
    assert.deepEqual(
      [options.failoverTimeMs, options.parentShardPollIntervalMs, options.shardSyncIntervalMs, options.idleTimeBetweenReadsMs],
      [3_000, 500, 7_000, 250],
    );
    assert.deepEqual(options.endpoints, { kinesis: 'http://127.0.0.1:1', dynamo: 'http://127.0.0.1:2' });
  });

  it('leave the daemon less time than the stop has', () => {
    for (const deadline of ['1000', '50000', '115000']) {
      const { shutdownGraceMs } = launchSettings(definition, { ...stage, STOP_DEADLINE_MS: deadline }, node).daemonOptions('w');
      assert.ok(shutdownGraceMs > 0 && shutdownGraceMs < Number(deadline));
    }
  });

  const problemsOf = (env: Record<string, string>, given = node): string => {
    try {
      launchSettings(definition, env, given);
    } catch (error) {
      assert.ok(isPlatformError(error, 'CONFIG_INVALID'));
      return error.message;
    }
    return assert.fail('was accepted');
  };

  it('name every missing or malformed key', () => {
    const problems = problemsOf({ KCL_HEAP_MIB: 'much' });
    for (const key of ['AWS_REGION', 'NEEDED', 'KCL_HEAP_MIB']) assert.match(problems, new RegExp(key));
  });

  it('refuse a child’s silence that ends before a lease is settled', () => {
    const silence = (seconds: string) => ({ ...stage, KCL_FAILOVER_MS: '30000', KCL_TIMEOUT_S: seconds });
    assert.match(problemsOf(silence('60')), /KCL_TIMEOUT_S is 60: expected more than 60, 2 times KCL_FAILOVER_MS/);
    assert.equal(launchSettings(definition, silence('61'), node).daemonOptions('w').childTimeoutS, 61);
  });

  it('name everything else that is wrong at once, with its remedy', () => {
    const problems = problemsOf(
      { ...stage, ...local, SNS_ENDPOINT: 'http://sns.example', KCL_JARS: '/nowhere', PATH: '/nowhere', KCL_IDLE_MS: '100' },
      { ...node, execArgv: ['--import', 'a b'] },
    );
    assert.match(problems, /5 problem\(s\)/);
    for (const part of ['SNS_ENDPOINT', 'KCL_JARS', 'install a Java runtime', '100 ms', '"a b"']) assert.ok(problems.includes(part), part);
  });

  it('find out the KCL line by its jars, and refuse any mixture', () => {
    const lineOf = (...names: string[]): string => {
      const KCL_JARS = mkdtempSync(path.join(folder, 'line-'));
      for (const name of names) writeFileSync(path.join(KCL_JARS, name), '');
      try {
        return String(launchSettings(definition, { ...stage, KCL_JARS }, node).daemonOptions('w').kclLine);
      } catch (error) {
        return /KCL_JARS is .*both 2\.x or both 3\.x/.exec((error as Error).message) === null ? String(error) : 'refused';
      }
    };
    const jarsOf3 = ['amazon-kinesis-client-multilang-3.1.3.jar', 'amazon-kinesis-client-3.5.1.jar', 'kinesis-2.41.21.jar'];
    assert.equal(lineOf(...jarsOf3), '3');
    assert.equal(lineOf('amazon-kinesis-client-multilang-2.7.2.jar', 'amazon-kinesis-client-3.5.1.jar'), 'refused');
    assert.equal(lineOf('amazon-kinesis-client-multilang-3.1.3.jar'), 'refused');
    assert.equal(lineOf(...jarsOf2, ...jarsOf3), 'refused');
    assert.equal(lineOf('amazon-kinesis-client-multilang-4.0.0.jar', 'amazon-kinesis-client-4.0.0.jar'), 'refused');
    assert.equal(lineOf(), 'refused');
  });

  it('refuse a local endpoint outside local mode', () => {
    assert.match(problemsOf({ ...stage, KINESIS_ENDPOINT: 'http://127.0.0.1:1' }), /KINESIS_ENDPOINT/);
  });
});
