import assert from 'node:assert/strict';
import { defaultRules } from '../../../../services/fraud-detector/default-rules.ts';
import { parseRulesFile } from '../../../../services/lib/rules/rules-file.ts';
import { maxRulesBytes, parseRulesText } from '../../../../services/lib/rules/rules-text.ts';
import { rule } from '../../../oracle/scenario.ts';

const time = { disorder: 'PT30S', lateness: 'PT15M', maxAhead: 'PT5M' };
const file = (...rules: object[]) => ({ time, rules });
const good = rule({ id: 'good' });
const { count: _count, ...bare } = good;

const conditions = {
  count: { atLeast: 3, within: 'PT10M' },
  sum: { field: 'seats', atLeast: 100, within: 'PT1M' },
  distinct: { field: 'tourId', atLeast: 2, within: 'PT1M' },
  pairs: { open: 'reserved', close: 'cancelled', on: 'bookingId', maxGap: 'PT1M', atLeast: 2, within: 'PT1M' },
  session: { gap: 'PT1M', atLeast: 2 },
};
const { pairs, sum, distinct, session } = conditions;

/** The problems of a file that is refused, one line each. */
function problems(parse: () => unknown): string[] {
  try {
    parse();
  } catch (error) {
    assert.ok(error instanceof Error);
    assert.equal((error as Error & { code?: string }).code, 'RULES_INVALID');
    const [head, ...lines] = error.message.split('\n');
    if (lines.length > 0) assert.match(head ?? '', /^rules file is invalid, (1 problem|(?!1 )\d+ problems):$/);
    return lines.length > 0 ? lines.map((line) => line.trim()) : [head ?? ''];
  }
  return assert.fail('it was taken');
}
const ofFile = (document: unknown): string[] => problems(() => parseRulesFile(document));
const ofRule = (spec: object): string[] => ofFile(file(spec));
const ofText = (text: string): string[] => problems(() => parseRulesText(Buffer.from(text)));

describe('a rules file', () => {
  it('is taken as it is written, with each kind of condition', () => {
    const rules = Object.entries(conditions).map(([kind, condition]) => ({
      ...bare,
      id: `by-${kind}`,
      when: kind === 'pairs' ? { channel: ['web'] } : good.when,
      [kind]: condition,
    }));
    const document = file({ ...good, action: 'lock', cooldown: 'PT1H', owner: 'fraud-team', description: 'why' }, ...rules);
    assert.deepEqual(parseRulesFile(JSON.parse(JSON.stringify(document))), document);
    assert.deepEqual(parseRulesText(Buffer.from(JSON.stringify(document))), document);
    assert.equal(defaultRules.rules[0]?.id, 'reserve-cancel-churn');
  });

  it('is refused whole, with every problem, its place and what was expected', () => {
    const bad = { id: 'Not An Id', version: 0, mode: 'loud', severity: 'HIGH', key: 'tourId', count: { atLeast: 0, within: '10 minutes' } };
    assert.deepEqual(ofFile({ time: { ...time, disorder: 30 }, rules: [good, bad, { ...good, cooldown: 'PT1' }], extra: 1 }), [
      'time.disorder: expected an ISO 8601 duration of days, hours, minutes and seconds, such as PT10M, got 30',
      'rules.1.id: expected 1-64 of a-z, 0-9 and -, not starting with -, got "Not An Id"',
      'rules.1.version: expected a whole number from 1 to 1000000000, got 0',
      'rules.1.mode: expected one of live, shadow, off, got "loud"',
      'rules.1.severity: expected one of low, medium, high, critical, got "HIGH"',
      `rules.1.key: expected userId, the stream's key, got "tourId"`,
      'rules.1.when: expected an object: field → allowed values; it is missing',
      'rules.1.count.atLeast: expected a whole number from 1 to 1000, got 0',
      'rules.1.count.within: expected an ISO 8601 duration of days, hours, minutes and seconds, such as PT10M, got "10 minutes"',
      'rules.2.cooldown: expected an ISO 8601 duration of days, hours, minutes and seconds, such as PT10M, got "PT1"',
      'rules.2.id: rule ids must differ: good is rules.0',
      'extra: unknown field',
    ]);
  });

  it('is refused when a rule has no condition or several, whatever else is wrong with it', () => {
    const says = (found: string) => `rules.0: a rule has exactly one of count, sum, distinct, pairs, session; this one has ${found}`;
    assert.deepEqual(ofRule(bare), [says('none')]);
    assert.deepEqual(ofRule({ ...good, session }), [says('count and session')]);
    assert.deepEqual(ofRule({ ...bare, version: '1', sum, distinct, session: 7 }), [
      'rules.0.version: expected a whole number from 1 to 1000000000, got "1"',
      'rules.0.session: expected an object, got 7',
      says('sum and distinct and session'),
    ]);
  });

  it('is refused when pairs leaves no way to hold, or names its types twice', () => {
    assert.deepEqual(ofRule({ ...bare, pairs }), ['rules.0.when.type: pairs names its types by open and close: leave type out of when']);
    assert.deepEqual(ofRule({ ...bare, when: {}, pairs: { ...pairs, close: 'reserved' } }), [
      'rules.0.pairs.close: expected another type than open, got "reserved"',
    ]);
    assert.deepEqual(ofRule({ ...bare, when: {}, pairs: { ...pairs, open: 'booked', on: '' } }), [
      'rules.0.pairs.open: expected one of reserved, changed, cancelled, expired, got "booked"',
      'rules.0.pairs.on: expected the name of a top-level field, 1-128 characters, got ""',
    ]);
  });

  it('is refused when amounts of several currencies would be added up', () => {
    const total = { field: 'amountMinor', atLeast: 100, within: 'PT1M' };
    const says = /^rules\.0\.when\.currency: a sum of amountMinor needs exactly one currency/;
    for (const when of [{}, { currency: [] }, { currency: ['EUR', 'USD'] }, { currency: 'EUR' }, 7]) {
      assert.ok(
        ofRule({ ...bare, when, sum: total }).some((line) => says.test(line)),
        JSON.stringify(when),
      );
    }
    parseRulesFile(file({ ...bare, when: { currency: ['EUR'] }, sum: total }));
    parseRulesFile(file({ ...bare, when: {}, sum }));
  });

  it('is refused for fields that no event can have, in every place where a field is named', () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '', 'x'.repeat(129)]) {
      const named = (text: string): string => text.replace('"NAME"', JSON.stringify(name));
      const parse = (spec: object): string[] => ofFile(JSON.parse(named(JSON.stringify(file(spec)))));
      assert.equal(parse({ ...good, when: { NAME: [1] } }).length, 1, `when ${name}`);
      assert.equal(parse({ ...bare, sum: { ...sum, field: 'NAME' } }).length, 1, `sum ${name}`);
      assert.equal(parse({ ...bare, distinct: { ...distinct, field: 'NAME' } }).length, 1, `distinct ${name}`);
      assert.equal(parse({ ...bare, when: {}, pairs: { ...pairs, on: 'NAME' } }).length, 1, `on ${name}`);
    }
    const foreign = JSON.parse(`{"time":${JSON.stringify(time)},"rules":[${JSON.stringify({ ...good, NAME: 1 })}],"__proto__":{"a":1}}`);
    assert.deepEqual(ofFile(foreign), ['rules.0.NAME: unknown field', '__proto__: unknown field']);
    assert.deepEqual(ofText(`{"time":${JSON.stringify(time)},"rules":[],"__proto__":1}`), ['__proto__ (line 1, column 90): unknown field']);
  });

  it('is refused for numbers that are none', () => {
    for (const [atLeast, got] of [
      [Number.NaN, 'NaN'],
      ['NaN', '"NaN"'],
      ['3', '"3"'],
      [Number.POSITIVE_INFINITY, 'Infinity'],
      [2.5, '2.5'],
      [-1, '-1'],
      [null, 'null'],
      [2 ** 53, '9007199254740992'],
      [1_001, '1001'],
      [[3], 'a list of 1'],
      [{ a: { b: 1 } }, 'an object with a'],
    ] as const) {
      assert.deepEqual(ofRule({ ...good, count: { atLeast, within: 'PT1M' } }), [
        `rules.0.count.atLeast: expected a whole number from 1 to 1000, got ${got}`,
      ]);
    }
    parseRulesFile(file({ ...bare, sum: { ...sum, atLeast: 2 ** 40 } }));
    assert.equal(ofRule({ ...bare, sum: { ...sum, atLeast: 2 ** 40 + 1 } }).length, 1);
  });

  it('is refused for what it cannot mean', () => {
    assert.deepEqual(ofRule({ ...good, when: { type: [] } }), [
      'rules.0.when.type: expected a list of 1 to 1000 allowed values, got a list of 0',
    ]);
    assert.deepEqual(ofRule({ ...good, when: { seats: [[1], JSON.parse('1e999')] } }), [
      'rules.0.when.seats.0: expected a string, a number, true, false or null, got a list of 1',
      'rules.0.when.seats.1: expected a string, a number, true, false or null, got Infinity',
    ]);
    assert.deepEqual(ofRule({ ...good, atMost: 3, count: { atLeast: 2, within: 'P8D' } }), [
      'rules.0.count.within: expected a duration from PT0S to P7D, got "P8D"',
      'rules.0.atMost: unknown field',
    ]);
    parseRulesFile(file({ ...good, count: { atLeast: 2, within: 'P7D' }, cooldown: 'P365D' }));
    assert.equal(ofRule({ ...good, count: { atLeast: 2, within: 'P7DT0.001S' } }).length, 1);
    assert.deepEqual(ofRule({ ...good, count: { ...conditions.count, field: 'seats' } }), ['rules.0.count.field: unknown field']);
    assert.deepEqual(ofFile({ rules: [] }), ['time: expected an object with disorder, lateness and maxAhead; it is missing']);
    assert.deepEqual(ofFile(null), ['file: expected an object with time and rules, got null']);
    assert.deepEqual(ofFile([good]), ['file: expected an object with time and rules, got a list of 1']);
    const many = Array.from({ length: 201 }, (_, i) => ({ ...good, id: `rule-${i}` }));
    assert.deepEqual(ofFile(file(...many)), ['rules: expected a list of at most 200 rules, got a list of 201']);
    parseRulesFile(file(...many.slice(1)));
    assert.equal(ofFile(file(...many.slice(2), { ...good, id: 'rule-7' })).length, 1, 'an id that comes twice among as many as may be');
  });

  it('keeps the list of problems readable, however many there are and whatever the file holds', () => {
    const lines = ofRule({
      ...good,
      ...Object.fromEntries(Array.from({ length: 1_500 }, (_, i) => [`a\n${i}`, 1])),
      owner: 'x'.repeat(5_000),
    });
    assert.equal(lines.length, 1_001);
    assert.ok(lines.every((line) => line.length < 200));
    assert.match(lines[0] ?? '', /^rules\.0\.owner: expected a text of 1 to 128 characters, got "x+…$/);
    assert.equal(lines[1], 'rules.0."a\\n0": unknown field');
    assert.equal(lines[1_000], '… and 501 more');
    const shown = (severity: string): string => ofRule({ ...good, severity })[0]?.split('got ')[1] ?? '';
    assert.equal(shown('s'.repeat(58)), `"${'s'.repeat(58)}"`);
    assert.equal(shown('s'.repeat(59)), `"${'s'.repeat(58)}…`);
  });
});

describe('the text of a rules file', () => {
  const textOf = (document: unknown): string => JSON.stringify(document, null, 2);

  it('tells each problem with its line and column', () => {
    assert.deepEqual(ofText(textOf(file({ ...bare, colour: 'red', session: { gap: 'PT1M', atLeast: 0 } }))), [
      'rules.0.session.atLeast (line 22, column 20): expected a whole number from 1 to 1000, got 0',
      'rules.0.colour (line 19, column 17): unknown field',
    ]);
    assert.deepEqual(ofText('{\n "time": {}}').at(-1), 'rules (line 1, column 1): expected a list of at most 200 rules; it is missing');
  });

  it('is refused with line and column where it is not JSON', () => {
    const cases: readonly [string, string][] = [
      ['', 'line 1, column 1: expected a value, got the end'],
      ['{\n  "time": {},\n  "rules": [1,]\n}', 'line 3, column 15: expected a value, got "]"'],
      ['{"a": 1\n "b": 2}', 'line 2, column 2: expected , or }, got "\\""'],
      ["{'a': 1}", 'line 1, column 2: expected a name in double quotes, got "\'"'],
      ['{"a" 1}', 'line 1, column 6: expected :, got "1"'],
      ['[1 2]', 'line 1, column 4: expected , or ], got "2"'],
      ['{} {}', 'line 1, column 4: expected the end, got "{"'],
      ['[NaN]', 'line 1, column 2: expected a value, got "N"'],
      ['"a\nb"', 'line 1, column 1: expected a value, got "\\""'],
      ['['.repeat(100_000), 'line 1, column 34: nested deeper than 32 levels, got "["'],
    ];
    for (const [text, says] of cases) assert.deepEqual(ofText(text), [`rules file is invalid: not JSON at ${says}`]);
  });

  it('is refused when an object has one name twice, of which one would be dropped in silence', () => {
    const text = textOf(file(good)).replace('"version": 1,', '"version": 1, "when": {},');
    assert.deepEqual(ofText(text), ['rules.0.when (line 13, column 15): the same name stands twice in one object']);
  });

  it('is refused by its size alone before it is read, and when it is no text', () => {
    const large = Buffer.alloc(10 * 1_048_576, '[');
    assert.deepEqual(
      problems(() => parseRulesText(large)),
      ['rules file is invalid: it is larger than 1 MiB (1,048,576 bytes)'],
    );
    assert.deepEqual(
      problems(() => parseRulesText(Buffer.from([0x22, 0xff, 0x22]))),
      ['rules file is invalid: it is not UTF-8 text'],
    );
    const padded = textOf(file(good)).padEnd(maxRulesBytes);
    assert.equal(parseRulesText(Buffer.from(padded)).rules.length, 1);
    assert.equal(ofText(`${padded} `).length, 1);
  });

  it('may begin with a byte order mark', () => {
    assert.equal(parseRulesText(Buffer.from(`\uFEFF${textOf(file(good))}`)).rules.length, 1);
  });
});
