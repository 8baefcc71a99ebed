import assert from 'node:assert/strict';
import { Backtest } from '../../../scripts/backtest/backtest.ts';
import { summaryText } from '../../../scripts/backtest/summary.ts';
import type { BookingEvent } from '../../../services/lib/events/booking-event.ts';
import { encodeBookingEvent } from '../../../services/lib/events/booking-event-codec.ts';

import { compileRules } from '../../../services/lib/rules/compile.ts';
import type { RulesFile } from '../../../services/lib/rules/rules-file.ts';
import { ShardState } from '../../../services/lib/rules/shard-state.ts';
import { bookingEvent, type RuleSpec, rule, start, wholeRange } from '../../oracle/scenario.ts';
import { allKinds, randomEvents } from './random-file.ts';

const plan = { counts: [1], reshardAt: [], restartEvery: undefined };
const file = (...specs: RuleSpec[]): RulesFile => ({
  time: { disorder: 'PT0S', lateness: 'PT10S', maxAhead: 'PT0S' },
  rules: specs.map(rule),
});
const cancelled = (user: string, second: number, of: Partial<BookingEvent> = {}): BookingEvent =>
  bookingEvent({ bookingId: `booking-${user}-${second}`, userId: user, occurredAt: start + second * 1_000, ...of });

function read(backtest: Backtest, lines: readonly (BookingEvent | string)[]): unknown[] {
  return lines.flatMap((line) =>
    backtest.read({ kind: 'line', data: typeof line === 'string' ? Buffer.from(line) : encodeBookingEvent(line) }),
  );
}

describe('the summary of a backtest', () => {
  const two = { atLeast: 2, within: 'PT1M' };

  it('counts what was used, late, repeated and no event at all', () => {
    const backtest = new Backtest(file({ id: 'twice', count: two }), plan);
    const first = cancelled('a', 20);
    const found = read(backtest, [first, first, '', 'x', '{}', '[1', '{"schemaVersion":2}', cancelled('a', 5), cancelled('a', 30), '  ']);
    assert.equal(backtest.read({ kind: 'too-long' }).length + found.length, 1);
    const { lines, events, used, late, duplicate, bad, alerts, from, to, topKeys, rules, interrupted } = backtest.summary(true);
    assert.deepEqual(
      { lines, events, used, late, duplicate, alerts, interrupted },
      { lines: 9, events: 4, used: 2, late: 1, duplicate: 1, alerts: 1, interrupted: true },
    );
    assert.deepEqual(
      [from, to],
      [start + 20_000, start + 30_000].map((ms) => new Date(ms).toISOString()),
    );
    assert.equal(bad.total, 5);
    assert.deepEqual(
      bad.reasons.map(({ reason, count, examples }) => [reason, count, examples.map(({ line }) => line)]),
      [
        ['not-json', 2, [4, 6]],
        ['invalid-event', 1, [5]],
        ['unsupported-version', 1, [7]],
        ['line-too-long', 1, [11]],
      ],
    );
    assert.deepEqual(topKeys, { exact: true, keys: [{ name: 'a', count: 1 }] });
    assert.deepEqual(
      rules.map(({ matched, alerts: raised, fireRate, examples }) => [matched, raised, fireRate, examples]),
      [[2, 1, 0.5, found]],
    );
  });

  it('warns of fields and values that no event had, and of rules that matched nothing, but not of those that are off', () => {
    const backtest = new Backtest(
      file(
        { id: 'typo', when: { colour: ['red'] } },
        { id: 'spelling', when: { type: ['canceled', 'void'] } },
        { id: 'both', when: { channel: ['web'], seats: [2], userId: ['b'] } },
        { id: 'apart', when: { userId: ['b'], seats: [3] } },
        { id: 'off', mode: 'off', when: { colour: ['red'] } },
        { id: 'fine' },
      ),
      plan,
    );
    read(backtest, [cancelled('a', 1, { seats: 3 }), cancelled('b', 2)]);
    assert.deepEqual(backtest.summary(false).warnings, [
      'rule typo: no event has a field "colour"',
      'rule spelling: no event has type = "canceled" or "void"',
      'rule apart: matched no event',
    ]);
  });

  it('warns when no rule can raise anything', () => {
    const warnings = (...specs: RuleSpec[]): readonly string[] => {
      const backtest = new Backtest(file(...specs), plan);
      read(backtest, [cancelled('a', 1)]);
      return backtest.summary(false).warnings;
    };
    assert.deepEqual(warnings(), ['the rules file has no rules']);
    assert.deepEqual(warnings({ id: 'a', mode: 'off' }, { id: 'b', mode: 'off' }), ['all rules of the file are off']);
    assert.deepEqual(warnings({ id: 'a', mode: 'off' }, { id: 'b' }), []);
  });

  it('offers the field that a wrong one may stand for, but not for a field that only some events carry', () => {
    const backtest = new Backtest(file({ id: 'a', when: { tour: ['t'] } }, { id: 'b', when: { extra: ['x'] } }), plan);
    read(backtest, [cancelled('a', 1)]);
    assert.deepEqual(backtest.summary(false).warnings, [
      'rule a: no event has a field "tour"; did you mean tourId?',
      'rule b: no event has a field "extra"',
    ]);
  });

  it('says what stands in a field that a sum cannot take, in the events that fit alone', () => {
    const sumOf = (field: string): Partial<RuleSpec> => ({ count: undefined, sum: { field, atLeast: 1, within: 'PT1M' } });
    const backtest = new Backtest(
      file(
        { id: 'text', ...sumOf('channel') },
        { id: 'object', ...sumOf('extra') },
        { id: 'negative', ...sumOf('amountMinor') },
        { id: 'unmet', ...sumOf('channel'), when: { type: ['expired'] } },
        { id: 'once', ...sumOf('amountMinor'), when: {} },
        { id: 'typo', ...sumOf('amount') },
      ),
      plan,
    );
    read(backtest, [cancelled('a', 1, { amountMinor: -5, extra: {} }), cancelled('a', 2, { type: 'reserved', amountMinor: 5 })]);
    assert.deepEqual(backtest.summary(false).warnings, [
      'rule text: sum takes whole numbers from 0, but events that fit when have only texts in channel',
      'rule object: sum takes whole numbers from 0, but events that fit when have only JSON objects in extra',
      'rule negative: sum takes whole numbers from 0, but events that fit when have only negative numbers in amountMinor',
      'rule unmet: no event has type = "expired"',
      'rule typo: no event has a field "amount"; did you mean amountMinor?',
    ]);
  });

  it('says what a file seems to be that is no file of booking events', () => {
    const changes = new Backtest(file({ id: 'twice' }), plan);
    read(changes, ['{"eventName":"INSERT","dynamodb":{}}', '{"eventName":"MODIFY","dynamodb":{}}', '1']);
    assert.match(changes.summary(false).warnings.join(), /^3 of 3 lines are no BookingEvent v1: most are DynamoDB change records/);
    assert.match(new Backtest(file(), plan).summary(false).warnings.join(), /the event file has no lines/);
    assert.deepEqual(new Backtest(file({ id: 'twice' }), plan).summary(true).warnings, []);
  });

  it('names the event whose clock made many others late', () => {
    const lateAfter = (...seconds: number[]): readonly string[] => {
      const backtest = new Backtest(file({ id: 'twice' }), plan);
      read(backtest, ['', ...seconds.map((second) => cancelled('a', second))]);
      return backtest.summary(false).warnings;
    };
    const day = new Date(start + 86_402_000).toISOString();
    assert.deepEqual(lateAfter(1, 2, 30, 86_402, 3, 31), [
      `2 of 6 events are late: see --disorder, --lateness and docs/rules.md; line 5 (${day}) is 86,372 seconds ahead of all before it: is its clock right?`,
    ]);
    assert.deepEqual(lateAfter(10, 20, 30, 9), ['1 of 4 events is late: see --disorder, --lateness and docs/rules.md']);
    assert.deepEqual(lateAfter(1, 86_402), []);
  });

  it('warns of reshards that never happened, since the file ended before', () => {
    const reshards = (...reshardAt: number[]): readonly string[] => {
      const backtest = new Backtest(file({ id: 'twice' }), { counts: [1, 4, 2, 3], reshardAt, restartEvery: undefined });
      read(backtest, [cancelled('a', 1), cancelled('a', 1), cancelled('a', 2)]);
      return backtest.summary(false).warnings;
    };
    assert.deepEqual(reshards(1, 2, 3), []);
    assert.deepEqual(reshards(3, 4, 5_000), ['--reshard-at 4,5000 did not happen: there were 3 events']);
  });

  it('gives a few examples of a reason, each with other fields at fault', () => {
    const backtest = new Backtest(file(), plan);
    const event = encodeBookingEvent(cancelled('a', 1)).toString();
    const noSeats = event.replace(/"seats":\d+,/, '');
    const twoFaults = event.replace('"EUR"', '"eur"').replace('{', '{"colour":1,');
    read(backtest, [noSeats, event, noSeats, '[]', twoFaults, '{}', noSeats]);
    assert.deepEqual(backtest.summary(false).bad.reasons, [
      {
        reason: 'invalid-event',
        count: 6,
        examples: [
          { line: 1, problem: 'missing seats' },
          { line: 4, problem: 'expected a JSON object, got a list of 0' },
          { line: 5, problem: 'currency: expected a text of the form /^[A-Z]{3}$/ (ISO 4217), got "eur"; unknown field colour' },
        ],
      },
    ]);
  });

  it('counts what matches once for each used event, on whatever shard and after whatever restart', () => {
    const events = randomEvents(5, 600);
    const compiled = compileRules(allKinds);
    const state = ShardState.empty(compiled, wholeRange);
    const used = events.filter((event) => state.apply(event, undefined).kind === 'used');
    const backtest = new Backtest(allKinds, { counts: [1, 3], reshardAt: [200], restartEvery: 97 });
    read(backtest, events);
    const { rules } = backtest.summary(false);
    assert.deepEqual(
      rules.filter(({ mode }) => mode !== 'off').map(({ id, matched }) => [id, matched]),
      compiled.rules.map((one) => [one.id, used.filter((event) => one.matches(event)).length]),
    );
  });

  it('tells for people what it tells for machines, one of a kind in the singular', () => {
    const backtest = new Backtest(file({ id: 'twice', count: two }), plan, file({ id: 'twice', count: { ...two, atLeast: 3 } }));
    read(backtest, [cancelled('a', 1), cancelled('a', 2), 'x']);
    const text = summaryText(backtest.summary(false));
    const single = new Backtest(file({ id: 'once', count: { ...two, atLeast: 1 } }), plan);
    read(single, [cancelled('a', 1)]);
    assert.match(summaryText(single.summary(false)), /^1 event: 1 used[^]*^1 alert$[^]*value 1 from 1 event$/m);
    for (const says of [
      /^2 events: 2 used, 0 late, 0 duplicate; 1 line is no event$/m,
      /^ {2}not-json: 1 line$/m,
      /^ {4}line 3: Unexpected token/m,
      /^1 alert$/m,
      /^ {2}twice +1 +live +2 +1 +500,000$/m,
      /for example twice: user a at .*Z, value 2 from 2 events/,
      /^ {2}all +0 +0 +1 +0$/m,
    ]) {
      assert.match(text, says);
    }
  });
});

describe('a backtest against other rules', () => {
  const within = 'PT1M';
  const lines = [1, 2, 3, 4].map((second) => cancelled('a', second));

  it('tells what would be gone, new, changed, and the same but for the version', () => {
    const before = file(
      { id: 'same', count: { atLeast: 4, within } },
      { id: 'gone', count: { atLeast: 4, within } },
      { id: 'louder', severity: 'low', count: { atLeast: 4, within } },
    );
    const after = file(
      { id: 'same', version: 2, count: { atLeast: 4, within }, description: 'said better' },
      { id: 'new', count: { atLeast: 4, within } },
      { id: 'louder', version: 2, severity: 'high', count: { atLeast: 4, within } },
    );
    const backtest = new Backtest(after, plan, before);
    const found = read(backtest, lines) as {
      type?: string;
      change?: string;
      fields?: string[];
      before?: { ruleId: string };
      after?: { ruleId: string };
    }[];
    assert.equal(found.filter(({ type }) => type === undefined).length, 3);
    assert.deepEqual(
      found
        .filter(({ type }) => type === 'difference')
        .map(({ change, fields, before: old, after: now }) => [change, old?.ruleId, now?.ruleId, fields]),
      [
        ['only-before', 'gone', undefined, undefined],
        ['changed', 'louder', 'louder', ['severity']],
        ['only-after', undefined, 'new', undefined],
      ],
    );
    const none = { same: 0, onlyBefore: 0, onlyAfter: 0, changed: 0 };
    assert.deepEqual(backtest.summary(false).difference, {
      same: 1,
      onlyBefore: 1,
      onlyAfter: 1,
      changed: 1,
      rules: [
        { id: 'gone', ...none, onlyBefore: 1 },
        { id: 'louder', ...none, changed: 1 },
        { id: 'new', ...none, onlyAfter: 1 },
        { id: 'same', ...none, same: 1 },
      ],
    });
  });
});
