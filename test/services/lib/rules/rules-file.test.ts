import assert from 'node:assert/strict';
import fc from 'fast-check';
import { defaultRules } from '../../../../services/fraud-detector/default-rules.ts';
import { durationMs } from '../../../../services/lib/rules/duration.ts';
import { parseRulesFile } from '../../../../services/lib/rules/rules-file.ts';
import { rule } from '../../../oracle/scenario.ts';

const time = { disorder: 'PT30S', lateness: 'PT15M', maxAhead: 'PT5M' };
const file = (...rules: object[]) => ({ time, rules });

/** Asserts that the file is refused whole, with a message that says where and what. */
function refused(document: unknown, ...says: RegExp[]): void {
  assert.throws(
    () => parseRulesFile(document),
    (error: Error & { code?: string }) => {
      assert.equal(error.code, 'RULES_INVALID');
      for (const text of says) assert.match(error.message, text);
      return true;
    },
  );
}

describe('a rules file', () => {
  it('is taken as it is written', () => {
    const document = file(rule({ id: 'churn', action: 'lock', cooldown: 'PT1H', owner: 'fraud-team', description: 'why' }));
    assert.deepEqual(parseRulesFile(JSON.parse(JSON.stringify(document))), document);
    assert.equal(defaultRules.rules[0]?.id, 'reserve-cancel-churn');
  });

  it('is refused when a rule has another condition, and says which one is supported', () => {
    const { count: _, ...without } = rule({ id: 'total' });
    for (const [name, condition] of Object.entries({
      sum: { field: 'amountMinor', atLeast: 100, within: 'PT1M' },
      distinct: { field: 'tourId', atLeast: 2, within: 'PT1M' },
      pairs: { open: 'reserved', close: 'cancelled', on: 'bookingId', maxGap: 'PT1M', atLeast: 2, within: 'PT1M' },
      session: { gap: 'PT1M', atLeast: 2 },
    })) {
      refused(file({ ...without, [name]: condition }), new RegExp(`rules\\.0: .*${name}: not supported, the supported condition is count`));
    }
  });

  it('is refused whole, with every problem and its place', () => {
    const good = rule({ id: 'good' });
    refused(
      file(good, { ...good, id: 'Not An Id', version: 0, mode: 'loud', count: { atLeast: 0, within: '10 minutes' } }),
      /5 problem/,
      /rules\.1\.id/,
      /rules\.1\.version/,
      /rules\.1\.mode/,
      /rules\.1\.count\.atLeast/,
      /rules\.1\.count\.within: expected an ISO 8601 duration/,
    );
  });

  it('is refused for what it cannot mean', () => {
    const good = rule({ id: 'good' });
    refused(file(good, good), /rule ids must differ/);
    refused(file({ ...good, key: 'tourId' }), /rules\.0\.key/);
    refused(file({ ...good, when: { type: [] } }), /rules\.0\.when\.type/);
    refused(file({ ...good, when: { extra: [{}] } }), /rules\.0\.when\.extra/);
    refused(file({ ...good, atMost: 3 }), /atMost/);
    refused(file({ ...good, count: { atLeast: 2, within: 'P8D' } }), /rules\.0\.count\.within: expected a duration from 0 ms to/);
    refused({ rules: [] }, /time/);
    refused(null, /file:/);
  });
});

describe('a duration', () => {
  it('is days, hours, minutes and seconds, to the millisecond', () => {
    for (const [text, ms] of Object.entries({
      PT0S: 0,
      'PT0.001S': 1,
      'PT1.5S': 1_500,
      PT10M: 600_000,
      PT1H30M: 5_400_000,
      P1DT1S: 86_401_000,
    })) {
      assert.equal(durationMs(text), ms, text);
    }
  });

  it('is nothing else', () => {
    for (const text of [
      '',
      'P',
      'PT',
      'P1',
      'P1DT',
      'PT1',
      'PT1S1M',
      'P1M',
      'P1W',
      'P1Y',
      '-PT1S',
      'PT-1S',
      'PT1.S',
      'PT1.2345S',
      'pt1s',
      ' PT1S',
    ]) {
      assert.equal(durationMs(text), undefined, JSON.stringify(text));
    }
  });

  it('reads back whatever is written with all parts', () => {
    const part = fc.nat({ max: 10_000 });
    fc.assert(
      fc.property(part, part, part, part, fc.nat({ max: 999 }), (d, h, m, s, ms) => {
        const text = `P${d}DT${h}H${m}M${s}.${String(ms).padStart(3, '0')}S`;
        assert.equal(durationMs(text), (((d * 24 + h) * 60 + m) * 60 + s) * 1_000 + ms);
      }),
    );
  });
});
