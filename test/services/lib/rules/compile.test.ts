import assert from 'node:assert/strict';
import { compileRules } from '../../../../services/lib/rules/compile.ts';
import { bookingEvent, type RuleSpec, rule } from '../../../oracle/scenario.ts';

const time = { disorder: 'PT0S', lateness: 'PT0S', maxAhead: 'PT0S' };

/** Of the values that a field of an event may have, those with which the rule takes the event. */
function taken(spec: Partial<RuleSpec>, field: string, values: readonly unknown[]): unknown[] {
  const [compiled] = compileRules({ time, rules: [rule({ id: 'rule', count: undefined, when: {}, ...spec })] }).rules;
  return values.filter((value) => compiled?.matches(Object.assign(bookingEvent({ bookingId: 'b' }), { [field]: value })));
}

describe('a compiled rule', () => {
  const within = 'PT1M';
  const scalars = ['', '5', 0, 5, -1, 2.5, true, false, null];
  const others = [undefined, {}, [], [5], Number.NaN, Number.POSITIVE_INFINITY];
  const values = [...scalars, ...others, 2 ** 53 - 1, 2 ** 53];

  it('adds up non-negative whole numbers only, no text that looks like one', () => {
    assert.deepEqual(taken({ sum: { field: 'field', atLeast: 1, within } }, 'field', values), [0, 5, 2 ** 53 - 1]);
  });

  it('tells scalars apart, and takes nothing else for a value', () => {
    const found = [...scalars, 2 ** 53 - 1, 2 ** 53];
    assert.deepEqual(taken({ distinct: { field: 'field', atLeast: 1, within } }, 'field', values), found);
    const pairs = { open: 'reserved', close: 'cancelled', on: 'field', maxGap: within, atLeast: 1, within } as const;
    assert.deepEqual(taken({ pairs }, 'field', values), found);
    assert.deepEqual(taken({ pairs: { ...pairs, on: 'bookingId' } }, 'type', ['reserved', 'changed', 'cancelled']), [
      'reserved',
      'cancelled',
    ]);
  });

  it('meets allowed values by type and value, one or several, in all fields', () => {
    const elsewhere = { field: [5], channel: ['not this one'] };
    assert.deepEqual(taken({ count: { atLeast: 1, within }, when: elsewhere }, 'field', values), []);
    assert.deepEqual(taken({ count: { atLeast: 1, within }, when: { field: [5] } }, 'field', values), [5]);
    assert.deepEqual(taken({ count: { atLeast: 1, within }, when: { field: ['5', null, false] } }, 'field', values), ['5', false, null]);
  });
});
