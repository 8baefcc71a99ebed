import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type DaemonOptions, daemonOptionProblems, daemonProperties } from '../../../../services/lib/kcl/daemon-properties.ts';

const options: DaemonOptions = {
  kclLine: 2,
  application: 'fraud-detector',
  streamName: 'booking-events',
  workerId: 'task-1',
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
};

/** java.util.Properties.load for `name = value` lines: an independent reader of what we write. */
function readProperties(text: string): Map<string, string> {
  return new Map(
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const at = line.indexOf(' = ');
        const raw = line.slice(at + 3).replace(/^ +/, '');
        const value = raw.replace(/\\(u[0-9a-f]{4}|.)/g, (_, escape: string) =>
          escape.length === 5 ? String.fromCharCode(Number.parseInt(escape.slice(1), 16)) : escape,
        );
        return [line.slice(0, at), value];
      }),
  );
}

describe('daemon properties', () => {
  it('name everything whose default loses records or costs money', () => {
    const read = readProperties(daemonProperties(options));
    assert.equal(read.get('executableName'), 'node main.js child');
    assert.equal(read.get('processingLanguage'), 'nodejs/22');
    assert.equal(read.get('retrievalMode'), 'POLLING');
    assert.equal(read.get('shutdownGraceMillis'), '40000');
    assert.equal(read.get('timeoutInSeconds'), '300');
    assert.equal(read.get('callProcessRecordsEvenForEmptyRecordList'), 'true');
    assert.equal(read.get('AwsCredentialsProvider'), 'DefaultCredentialsProvider');
    assert.equal(read.get('initialPositionInStream'), 'TRIM_HORIZON');
    assert.equal(read.get('workerId'), 'task-1');
    assert.equal(read.get('metricsLevel'), 'SUMMARY');
    assert.equal(read.get('idleTimeBetweenReadsInMillis'), '400');
    assert.equal(read.get('maxRecords'), '2000');
    assert.equal(read.has('kinesisEndpoint'), false);
    assert.equal(read.has('maxActiveThreads'), false, 'a fixed pool deadlocks');
  });

  it('turn CloudWatch off when the endpoints are local, since its own cannot be set', () => {
    const read = readProperties(
      daemonProperties({ ...options, endpoints: { kinesis: 'http://127.0.0.1:1', dynamo: 'http://127.0.0.1:2' } }),
    );
    assert.equal(read.get('metricsLevel'), 'NONE');
    assert.equal(read.get('kinesisEndpoint'), 'http://127.0.0.1:1');
    assert.equal(read.get('dynamoDBEndpoint'), 'http://127.0.0.1:2');
  });

  it('leave polling settings out under fan-out, and say FANOUT', () => {
    const read = readProperties(daemonProperties({ ...options, retrievalMode: 'FANOUT' }));
    assert.equal(read.get('retrievalMode'), 'FANOUT');
    assert.equal(read.has('idleTimeBetweenReadsInMillis'), false);
  });

  it('hold for 3.x what it alone knows, and nothing less', () => {
    const two = readProperties(daemonProperties(options));
    const three = readProperties(daemonProperties({ ...options, kclLine: 3 }));
    for (const [name, value] of two) assert.equal(three.get(name), value, name);
    assert.deepEqual(
      [...three].filter(([name]) => !two.has(name)),
      [
        ['leaseAssignmentIntervalMillis', '3333'],
        ['varianceBalancingFrequency', '19'],
        ['workerMetricsReporterFreqInMillis', '10000'],
        ['isGracefulLeaseHandoffEnabled', 'true'],
        ['gracefulLeaseHandoffTimeoutMillis', '40000'],
      ],
    );
    const quick = readProperties(daemonProperties({ ...options, kclLine: 3, failoverTimeMs: 1_000 }));
    assert.equal(quick.get('leaseAssignmentIntervalMillis'), '1000');
    assert.equal(quick.get('varianceBalancingFrequency'), '6');
    assert.equal(quick.get('workerMetricsReporterFreqInMillis'), '2000');
  });

  it('keep a local daemon of 3.x from asking a metadata service', () => {
    const local = { ...options, endpoints: { kinesis: 'http://127.0.0.1:1', dynamo: 'http://127.0.0.1:2' } };
    assert.equal(readProperties(daemonProperties({ ...local, kclLine: 3 })).get('disableWorkerMetrics'), 'true');
    assert.equal(readProperties(daemonProperties(local)).has('disableWorkerMetrics'), false);
  });

  it('carry any text through the file format', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (workerId) => {
        const text = daemonProperties({ ...options, workerId });
        assert.equal(readProperties(text).get('workerId'), workerId);
        assert.match(text, /^[\x20-\x7e\n]*$/, 'ISO-8859-1 holds it, one line a setting');
        assert.equal(text.split('\n').length, daemonProperties(options).split('\n').length);
      }),
    );
  });
});

describe('daemon options', () => {
  it('are accepted as they are used', () => {
    assert.deepEqual(daemonOptionProblems(options), []);
  });

  it('are refused, all problems at once', () => {
    const problems = daemonOptionProblems({
      ...options,
      childCommand: ['node', 'my main.js', 'child'],
      idleTimeBetweenReadsMs: 100,
      maxRecords: 10_001,
      shutdownGraceMs: 0,
    });
    assert.equal(problems.length, 4, problems.join('\n'));
    assert.match(problems.join('\n'), /"my main\.js"[^]*100 ms[^]*10001[^]*shutdownGraceMs is 0/);
  });

  it('keep the length of a consumer name, under fan-out alone', () => {
    const application = 'a'.repeat(129);
    assert.deepEqual(daemonOptionProblems({ ...options, application }), []);
    assert.match(daemonOptionProblems({ ...options, application, retrievalMode: 'FANOUT' }).join(), /129 characters[^]*at most 128/);
  });

  it('never hold a zero, which the daemon would drop without a word', () => {
    for (const key of ['failoverTimeMs', 'shardSyncIntervalMs', 'parentShardPollIntervalMs', 'shutdownGraceMs'] as const) {
      assert.equal(daemonOptionProblems({ ...options, [key]: 0 }).length, 1, key);
    }
  });
});
