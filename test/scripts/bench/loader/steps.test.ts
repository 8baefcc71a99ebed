import assert from 'node:assert/strict';
import { modelledFreshness, quantileOfSum } from '../../../../scripts/bench/loader/freshness.ts';
import { shares, stepOf } from '../../../../scripts/bench/loader/steps.ts';

describe('the steps of a load', () => {
  it('are told from the statements', () => {
    const statements = {
      'UPDATE load_gate SET n = n + 1': 'rest of the transaction',
      'ANALYZE load_stage (event_id)': 'statistics',
      'DELETE FROM load_stage USING booking_event WHERE 1 = 1': 'repeats',
      'INSERT INTO load_repeat (a) SELECT a FROM load_stage': 'repeats',
      'INSERT INTO booking_event (a) SELECT a FROM load_stage': 'insert',
      'DELETE FROM booking USING load_latest WHERE 1 = 1': 'current rows',
      'UPDATE kpi_hourly SET a = b FROM load_kpi WHERE 1 = 1': 'kpi',
      'INSERT INTO load_ledger (a) VALUES (1)': 'ledger',
      COMMIT: 'commit',
    };
    assert.deepEqual(Object.fromEntries(Object.keys(statements).map((sql) => [sql, stepOf(sql)])), statements);
  });

  it('have shares of all the time of both processes', () => {
    const all = shares([
      { decode: 30, csv: 10 },
      { copy: 50, commit: 10 },
    ]);
    assert.deepEqual(
      all.filter(({ share }) => share > 0),
      [
        { step: 'decode', share: 0.3 },
        { step: 'csv', share: 0.1 },
        { step: 'copy', share: 0.5 },
        { step: 'commit', share: 0.1 },
      ],
    );
  });
});

describe('modelled freshness', () => {
  it('is a quantile of the sum of waits: exact where it can be worked out by hand', () => {
    assert.ok(Math.abs(quantileOfSum([10_000], 0.95) - 9_500) <= 100);
    // Of two equal waits the upper tail is a triangle: (2a - x)² / 2a² = 0.05.
    const exact = 20_000 - Math.sqrt(0.1) * 10_000;
    assert.ok(Math.abs(quantileOfSum([10_000, 10_000], 0.95) - exact) <= 150, String(quantileOfSum([10_000, 10_000], 0.95)));
    assert.equal(quantileOfSum([], 0.95), 0);
  });

  it('is at worst all waits one after the other, and the commit', () => {
    const { worstMs, p95Ms } = modelledFreshness({
      readMs: 1_000,
      flushMs: 15_000,
      commitIntervalMs: 30_000,
      commitMs: 8_000,
      lookMs: 1_000,
    });
    assert.equal(worstMs, 63_000);
    assert.ok(p95Ms > 45_000 && p95Ms < worstMs, String(p95Ms));
  });
});
