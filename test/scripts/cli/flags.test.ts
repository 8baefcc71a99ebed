import assert from 'node:assert/strict';
import { flag, flagHelp, option, options, parseFlags, preset, UsageError } from '../../../scripts/cli/flags.ts';
import { distance, nearest } from '../../../scripts/cli/nearest.ts';
import { parseDuration, parseInteger, parseOneOf, parsePercent } from '../../../scripts/cli/values.ts';

const table = {
  rate: option('N', 'changes a second', 300, parseInteger(1, 5_000)),
  kill: options('WHAT', 'may come again', String),
  json: flag('a switch'),
  help: flag('this text'),
} as const;

const usage = (argv: string[], message: RegExp) =>
  assert.throws(
    () => parseFlags(table, argv),
    (error) => error instanceof UsageError && message.test(error.message),
  );

describe('command line flags', () => {
  it('takes values, lists and switches, and the defaults of what is left out', () => {
    assert.deepEqual(parseFlags(table, ['--rate', '5', '--kill', 'a', '--kill=b', '--json']), {
      rate: 5,
      kill: ['a', 'b'],
      json: true,
      help: false,
    });
    assert.deepEqual(parseFlags(table, []), { rate: 300, kill: [], json: false, help: false });
  });

  it('knows -h', () => {
    assert.equal(parseFlags(table, ['-h']).help, true);
  });

  it('refuses an unknown flag and suggests the one that was meant', () => {
    usage(['--rte', '5'], /unknown flag --rte; did you mean --rate\?/);
    usage(['--frobnicate'], /unknown flag --frobnicate; --help lists them/);
    usage(['-x'], /unknown flag -x/);
  });

  it('refuses a missing value, also where another flag follows', () => {
    usage(['--rate'], /--rate needs a value: --rate N/);
    usage(['--rate', '--json'], /--rate needs a value/);
  });

  it('refuses a value for a switch, a flag given twice, a stray word and a wrong value', () => {
    usage(['--json=yes'], /--json takes no value/);
    usage(['--rate', '1', '--rate', '2'], /--rate is given 2 times/);
    usage(['extra'], /unexpected argument 'extra'/);
    usage(['--rate', '0'], /--rate 0: expected a whole number from 1 to 5000/);
  });

  it('shows every flag with its placeholder', () => {
    assert.equal(
      flagHelp(table),
      '  --rate N     changes a second\n  --kill WHAT  may come again\n  --json       a switch\n  --help       this text',
    );
  });

  it('shows the default that holds when the flag is left out', () => {
    const wait = { wait: preset('DUR', 'how long', '2m', parseDuration) } as const;
    assert.equal(flagHelp(wait), '  --wait DUR  how long (default 2m)');
    assert.deepEqual([parseFlags(wait, []).wait, parseFlags(wait, ['--wait', '3s']).wait], [120_000, 3_000]);
  });
});

describe('the nearest known name', () => {
  it('measures how far two words are apart', () => {
    assert.equal(distance('rate', 'rate'), 0);
    assert.equal(distance('rte', 'rate'), 1);
    assert.equal(distance('kitten', 'sitting'), 3);
  });

  it('is one with few other letters, or one that goes on where the name ends', () => {
    const known = ['tourId', 'amountMinor', 'seats', 'type'];
    assert.equal(nearest('tour', known), 'tourId');
    assert.equal(nearest('amount', known), 'amountMinor');
    assert.equal(nearest('seat', known), 'seats');
    assert.equal(nearest('colour', known), undefined);
    assert.equal(nearest('', ['restart-every']), undefined);
  });
});

describe('flag values', () => {
  it('reads durations', () => {
    assert.deepEqual(['500ms', '5s', '1.5m', '2h', '0s'].map(parseDuration), [500, 5_000, 90_000, 7_200_000, 0]);
    for (const text of ['5', '-5s', 's', '5 s', '5d', '']) assert.throws(() => parseDuration(text), /expected a duration/);
  });

  it('reads percentages up to a limit', () => {
    assert.equal(parsePercent()('2%'), 0.02);
    assert.equal(parsePercent()('0.5%'), 0.005);
    for (const text of ['2', '31%', '-1%', '%']) assert.throws(() => parsePercent(30)(text), /up to 30%/);
  });

  it('reads one of several words', () => {
    assert.equal(parseOneOf('a', 'b')('b'), 'b');
    assert.throws(() => parseOneOf('a', 'b')('c'), /one of a, b/);
  });
});
