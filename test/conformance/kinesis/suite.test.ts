import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import {
  CreateStreamCommand,
  DeleteStreamCommand,
  DescribeStreamSummaryCommand,
  ListStreamsCommand,
  PutRecordsCommand,
  RegisterStreamConsumerCommand,
  UpdateAccountSettingsCommand,
} from '@aws-sdk/client-kinesis';
import { startKinesis } from '../../../scripts/local/kinesis/server.ts';
import { clientOf } from '../../scripts/local/kinesis/rig.ts';
import type { Check } from './check.ts';
import { checks } from './checks/index.ts';
import { Context } from './context.ts';
import { kinesisLocalDifferences } from './differences/kinesis-local.ts';
import { differencesTable } from './differences/table.ts';
import { runAll, runCheck } from './run.ts';
import { Session, streamPrefix } from './session.ts';
import type { Target } from './target.ts';
import { awsTarget } from './targets/aws.ts';
import { localTarget } from './targets/local.ts';

const check = (id: string, run: Check['run'], rest: Partial<Check> = {}): Check => ({ id, cites: 'nothing', run, ...rest });
const outcomeOf = (outcome: object): string => ('error' in outcome ? String(outcome.error) : JSON.stringify(outcome));

describe('the suite', () => {
  it('has at least 120 checks, each a statement of its own that cites where it is made', () => {
    assert.ok(checks.length >= 120);
    assert.equal(new Set(checks.map(({ id }) => id)).size, checks.length);
    for (const { id, cites } of checks) assert.ok(/^[\w]+: \S/.test(id) && cites.length > 10, id);
  });

  it('lists differences only of checks there are and that run there, and its README shows that list', () => {
    const ids = new Set(checks.filter(({ needs }) => needs === undefined).map(({ id }) => id));
    assert.deepEqual(
      Object.keys(kinesisLocalDifferences).filter((id) => !ids.has(id)),
      [],
    );
    assert.ok(readFileSync(new URL('README.md', import.meta.url), 'utf8').includes(differencesTable(kinesisLocalDifferences)));
  });
});

describe('a run of the suite', () => {
  let target: Target;
  let session: Session;

  beforeEach(async () => {
    target = await localTarget('http2');
    session = new Session(target);
  });
  afterEach(async () => {
    await session.close();
    await target.stop();
  });

  it('lets no request leave that addresses a stream of others', async () => {
    const context = new Context(session);
    const arn = 'arn:aws:kinesis:us-east-1:000000000000:stream/bookings';
    const calls = [
      () => context.attempt(new DeleteStreamCommand({ StreamName: 'bookings' })),
      () => context.attempt(new DeleteStreamCommand({ StreamARN: arn })),
      () => context.attempt(new DeleteStreamCommand({ StreamName: context.name(), StreamARN: arn })),
      () => context.attempt(new CreateStreamCommand({ StreamName: `${streamPrefix}other-run-1`, ShardCount: 1 })),
      () => context.attempt(new RegisterStreamConsumerCommand({ StreamARN: arn, ConsumerName: 'c' })),
      () => context.operation('DeleteStream', { StreamName: 'bookings' }),
    ];
    for (const call of calls) await assert.rejects(call, /is no stream of this run/);
    await assert.rejects(
      context.attempt(new UpdateAccountSettingsCommand({ MinimumThroughputBillingCommitment: { Status: 'ENABLED' } })),
      /concerns the whole account/,
    );
  });

  it('lets no request leave that is beyond its budget', async () => {
    const small = new Session({ ...target, budget: { streams: 1, createdStreams: 2, createdShards: 3, records: 4 } });
    const context = new Context(small);
    const { name } = await context.stream(1);
    await assert.rejects(context.stream(1), /1 streams at one time/);
    const Records = [1, 2, 3, 4, 5].map(() => ({ PartitionKey: 'a', Data: Buffer.from('a') }));
    await assert.rejects(context.attempt(new PutRecordsCommand({ StreamName: name, Records })), /the budget of 4 records is spent/);
    await small.close();
  });

  it('counts the shards of streams that are made past the SDK, and of those that are made alone', async () => {
    const context = new Context(session);
    await context.operation('CreateStream', { StreamName: context.name(), ShardCount: 3 });
    await context.operation('CreateStream', { StreamName: context.name(), StreamModeDetails: { StreamMode: 'ON_DEMAND' } });
    await context.operation('CreateStream', { StreamName: context.name(), ShardCount: 0 });
    assert.deepEqual(session.guard.spent, { createdStreams: 3, createdShards: 7, records: 0 });
  });

  it('fails a check that fails, that does not end, and one that passes or fails otherwise although it is listed as different', async () => {
    const failing = check('fails', () => Promise.reject(new Error('so it is')));
    assert.match(outcomeOf(await runCheck(failing, session)), /so it is/);
    const endless = check('never ends', () => new Promise(() => {}));
    const hasty = new Session({ ...target, checkMs: 20 });
    assert.match(outcomeOf(await runCheck(endless, hasty)), /no end within 20 ms/);
    const difference = { reason: 'r', error: /^Error: so it is$/, evidence: 'e' };
    const differences = { fails: difference, passes: difference, 'fails otherwise': difference };
    const other = new Session({ ...target, differences });
    assert.deepEqual(await runCheck(failing, other), { id: 'fails', ok: true, differs: 'r' });
    const otherwise = check('fails otherwise', () => Promise.reject(new Error('connect ECONNREFUSED')));
    assert.match(outcomeOf(await runCheck(otherwise, other)), /yet it fails otherwise: Error: connect ECONNREFUSED$/);
    assert.match(
      outcomeOf(
        await runCheck(
          check('passes', async () => {}),
          other,
        ),
      ),
      /take it off the list/,
    );
    await hasty.close();
    await other.close();
  });

  it('leaves out what the target cannot do, and says so', async () => {
    const without = new Session({ ...target, capabilities: [] });
    const never = check('needs a clock', () => assert.fail('it ran'), { needs: ['clock'] });
    assert.deepEqual(await runCheck(never, without), { id: 'needs a clock', unsupported: ['clock'] });
    await without.close();
  });
});

describe('a run against AWS, on a stand-in', () => {
  it('deletes its streams with their consumers, also when checks fail and when it is stopped', async () => {
    const server = await startKinesis({ limits: false });
    const observer = clientOf(server.endpoint, 'http1');
    const namesNow = async () => (await observer.send(new ListStreamsCommand({}))).StreamNames ?? [];
    try {
      const stop = new AbortController();
      const seen: string[] = [];
      const outcomes: string[] = [];
      const failing = check('fails', async (context) => {
        const { arn, name } = await context.stream();
        await context.shared();
        await context.send(new RegisterStreamConsumerCommand({ StreamARN: arn, ConsumerName: 'c' }));
        assert.equal(
          (await observer.send(new DescribeStreamSummaryCommand({ StreamName: name }))).StreamDescriptionSummary?.ConsumerCount,
          1,
        );
        seen.push(...(await namesNow()));
        stop.abort();
        throw new Error('so it is');
      });
      const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
      const target = awsTarget({ region: 'us-east-1', credentials, endpoint: server.endpoint });
      const after = check('is not reached', () => assert.fail('it ran'));
      await runAll([failing, after], target, (outcome) => outcomes.push(outcomeOf(outcome)), stop.signal);
      assert.match(outcomes.join(), /^Error: so it is$/);
      assert.equal(seen.length, 2);
      assert.ok(seen.every((name) => name.startsWith(streamPrefix)));
      assert.deepEqual(await namesNow(), []);
    } finally {
      observer.destroy();
      await server.close();
    }
  });
});
