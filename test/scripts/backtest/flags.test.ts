import assert from 'node:assert/strict';
import { backtestFlags, orderOf } from '../../../scripts/backtest/flags.ts';
import { parseFlags, UsageError } from '../../../scripts/cli/flags.ts';

const order = (...more: string[]) => orderOf(parseFlags(backtestFlags, ['--rules', 'r', '--events', 'e', ...more]));
const refused = (says: RegExp, ...more: string[]) =>
  assert.throws(
    () => order(...more),
    (error) => error instanceof UsageError && says.test(error.message),
  );

describe('the flags of a backtest', () => {
  it('read as one shard without a restart when nothing else is said', () => {
    assert.deepEqual(order(), {
      rules: 'r',
      events: 'e',
      against: undefined,
      time: {},
      plan: { counts: [1], reshardAt: [], restartEvery: undefined },
      json: false,
    });
    assert.deepEqual(order('--disorder', 'PT1M', '--lateness', 'P1D').time, { disorder: 'PT1M', lateness: 'P1D' });
  });

  it('take a list of shard counts with the events between them', () => {
    assert.deepEqual(order('--shards', '1,4,2', '--reshard-at', '10,20', '--restart-every', '7').plan, {
      counts: [1, 4, 2],
      reshardAt: [10, 20],
      restartEvery: 7,
    });
    assert.deepEqual(order('--shards', '4').plan.counts, [4]);
    assert.deepEqual(order('--shards', '4', '--reshard-at', '10').plan.counts, [1, 4]);
  });

  it('say what is wrong', () => {
    refused(/goes with --shards/, '--reshard-at', '5');
    refused(/needs 2 events in --reshard-at, got 1/, '--shards', '1,4,2', '--reshard-at', '5');
    refused(/needs 1 event in --reshard-at, got 0/, '--shards', '1,4');
    refused(/must rise/, '--shards', '1,4,2', '--reshard-at', '5,5');
    refused(/from 1 to 1024/, '--shards', '0');
    refused(/from 1 to/, '--restart-every', '0');
    refused(/such as PT30S/, '--disorder', '30s');
    refused(/up to P1D/, '--lateness', 'P2D');
    refused(/^--against -: standard input is for --events only/, '--against', '-');
    assert.throws(
      () => parseFlags(backtestFlags, ['--rules', '-', '--events', 'e']),
      /^UsageError: --rules -: standard input is for --events/,
    );
    assert.throws(() => orderOf(parseFlags(backtestFlags, [])), /--rules FILE and --events FILE are needed/);
  });
});
