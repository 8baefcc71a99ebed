import assert from 'node:assert/strict';
import { faultTable } from '../../../scripts/drill/fault-table.ts';

describe('the table of faults', () => {
  it('has a line for each: when, how long until alerts came and until all was well, and what was counted', () => {
    const text = faultTable(
      [
        {
          name: 'kill',
          startedAt: 61_000,
          from: 61_000,
          resumedMs: 9_400,
          recoveredMs: 11_050,
          counted: { records_skipped: 12, fenced: 1 },
        },
        { name: 'outage', startedAt: 80_000, from: 140_000, resumedMs: undefined, recoveredMs: undefined, counted: {} },
      ],
      1_000,
      'the detector',
    );
    assert.deepEqual(text.split('\n'), [
      '       at  fault    resumed  recovered  the detector counted',
      '   60.0 s  kill       9.4 s     11.1 s  records skipped 12, fenced 1',
      '   79.0 s  outage     never      never',
      '',
    ]);
  });
});
