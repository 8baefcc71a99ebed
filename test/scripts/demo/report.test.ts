import assert from 'node:assert/strict';
import { totalsText } from '../../../scripts/demo/report.ts';
import { snapshotAt } from './snapshots.ts';

describe('the totals of a run that nobody judges', () => {
  it('name every reason for a drop', () => {
    const text = totalsText(snapshotAt(23_000, { drops: { 'no-op': 7, 'already-cancelled': 9 } }));
    assert.match(text, /sent +12,345\n/);
    assert.match(text, /drops +already-cancelled 9, no-op 7\n/);
  });

  it('say so when nothing was sent', () => {
    const totals = { sent: 0, routed: 0, alerts: 0, locks: 2, rows: 0, repeats: 0 };
    assert.equal(totalsText(snapshotAt(0, { totals, sendingSince: undefined })), 'stopped before anything was sent\n');
  });
});
