import assert from 'node:assert/strict';
import { countedBetween } from '../../../scripts/drill/service-counters.ts';

describe('counters of a service', () => {
  it('are told by what they rose meanwhile', () => {
    assert.deepEqual(countedBetween({ fenced: 2, records_skipped: 5, lost: 0 }, { fenced: 2, records_skipped: 9, lost: 0 }), {
      records_skipped: 4,
    });
  });
});
