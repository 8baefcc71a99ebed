import assert from 'node:assert/strict';
import { parseFlags, UsageError } from '../../../scripts/cli/flags.ts';
import { demoFlags, disturbancesOf, shardsFor } from '../../../scripts/demo/flags.ts';

const parse = (...argv: string[]) => parseFlags(demoFlags, argv);
const usage = (act: () => unknown, message: RegExp) =>
  assert.throws(act, (error) => error instanceof UsageError && message.test(error.message));

describe('demo flags', () => {
  it('reads disturbances, in time order', () => {
    const flags = parse(
      ...'--duration 60s --kill redshift-loader@35s --reshard booking-events:2-4@25s --restart event-router@15s --kill event-router@20s'.split(
        ' ',
      ),
    );
    assert.deepEqual(disturbancesOf(flags), [
      { kind: 'restart', service: 'event-router', at: 15_000 },
      { kind: 'kill', service: 'event-router', at: 20_000 },
      { kind: 'reshard', stream: 'booking-events', from: 2, to: 4, at: 25_000 },
      { kind: 'kill', service: 'redshift-loader', at: 35_000 },
    ]);
  });

  it('names the services and streams it knows', () => {
    usage(() => parse('--kill', 'router@5s'), /services: event-router, fraud-detector, redshift-loader/);
    usage(() => parse('--kill', 'event-router'), /expected SERVICE@T/);
    usage(() => parse('--reshard', 'events:2-4@5s'), /streams: booking-changes, booking-events/);
  });

  it('refuses a reshard that Kinesis would not do in one step', () => {
    usage(() => parse('--reshard', 'booking-events:2-5@5s'), /at most twice and at least half/);
    usage(() => parse('--reshard', 'booking-events:4-1@5s'), /at most twice and at least half/);
    usage(() => parse('--reshard', 'booking-events:2-2@5s'), /at most twice and at least half/);
  });

  it('refuses what would come after sending has ended, and reshards that do not follow each other', () => {
    usage(() => disturbancesOf(parse('--duration', '10s', '--kill', 'event-router@10s')), /sending ends at 10s/);
    const reshards = ['--reshard', 'booking-events:2-4@5s', '--reshard', 'booking-events:2-1@9s'];
    usage(() => disturbancesOf(parse('--duration', '20s', ...reshards)), /the stream has 4 shards by then/);
    assert.equal(disturbancesOf(parse('--reshard', 'booking-events:2-4@5s', '--reshard', 'booking-events:4-2@9s')).length, 2);
  });

  it('sends by default what the documents say', () => {
    const { rate, seed, duplicates, disorder, late, future, malformed, 'drain-timeout': drain } = parse();
    const expected = [300, 7, 0.01, 2_000, 0.002, 0.001, 0.005, 120_000];
    assert.deepEqual([rate, seed, duplicates, disorder, late, future, malformed, drain], expected);
  });

  it('has consumers poll unless fan-out is asked for', () => {
    assert.equal(parse().retrieval, 'polling');
    assert.equal(parse('--retrieval', 'fanout').retrieval, 'fanout');
    usage(() => parse('--retrieval', 'push'), /expected one of polling, fanout/);
  });

  it('limits what a judged run can hold', () => {
    usage(() => parse('--duration', '2h'), /expected 1s to 1h/);
    usage(() => parse('--disorder', '10m'), /expected at most 5m/);
    usage(() => parse('--port', '80000'), /whole number from 1 to 65535/);
  });

  it('starts with the shards the rate needs, or those a reshard begins with', () => {
    assert.deepEqual(shardsFor(300, []), { 'booking-changes': 2, 'booking-events': 2 });
    assert.deepEqual(shardsFor(1_500, []), { 'booking-changes': 6, 'booking-events': 3 });
    const [reshard] = parse('--reshard', 'booking-events:4-2@5s').reshard;
    assert.ok(reshard);
    assert.deepEqual(shardsFor(300, [reshard]), { 'booking-changes': 2, 'booking-events': 4 });
  });
});
