import assert from 'node:assert/strict';
import { type CounterName, countedBetween } from '../../../scripts/drill/detector-counters.ts';

describe('counters of the detector', () => {
  it('are told by what they rose meanwhile', () => {
    const zero: Record<CounterName, number> = {
      records_skipped: 0,
      fenced: 0,
      fenced_writes_refused: 0,
      snapshots_written: 0,
      snapshots_unusable: 0,
      state_rebuilt: 0,
      rules_switched: 0,
      rules_rejected: 0,
    };
    assert.deepEqual(countedBetween({ ...zero, fenced: 2, records_skipped: 5 }, { ...zero, fenced: 2, records_skipped: 9 }), {
      records_skipped: 4,
    });
  });
});
