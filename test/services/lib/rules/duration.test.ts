import assert from 'node:assert/strict';
import fc from 'fast-check';
import { durationMs } from '../../../../services/lib/rules/duration.ts';

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
