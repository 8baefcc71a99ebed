import assert from 'node:assert/strict';
import { judge, type Result } from '../../../scripts/judge/judge.ts';
import { percentiles } from '../../../scripts/judge/latency.ts';
import { detectAfterMs, idealRun, type MutableEvidence } from './ideal-run.ts';

const ideal = idealRun();

/** Judges a copy of the ideal run after `break` has done its worst. */
function judged(damage: (evidence: MutableEvidence) => void): { result: Result; found: string[] } {
  const evidence: MutableEvidence = {
    ...ideal,
    log: [...ideal.log],
    source: [...ideal.source],
    routed: ideal.routed.map((shard) => ({ ...shard, records: [...shard.records] })),
    broken: [...ideal.broken],
    deadLetters: [...ideal.deadLetters],
    storedAlerts: [...ideal.storedAlerts],
    publishedAlerts: [...ideal.publishedAlerts],
    warehouseRows: [...ideal.warehouseRows],
    warehouseBookings: [...ideal.warehouseBookings],
  };
  damage(evidence);
  const { result, failures } = judge(evidence);
  assert.equal(result.ok, failures.length === 0);
  return { result, found: failures.map((f) => f.check) };
}

const first = <T>(items: readonly T[]): T => {
  const [item] = items;
  assert.ok(item !== undefined);
  return item;
};
type RoutedRecord = MutableEvidence['routed'][number]['records'][number];
const records = (evidence: MutableEvidence, shard: number): RoutedRecord[] => first(evidence.routed.slice(shard)).records as RoutedRecord[];

function finds(check: string, damage: (evidence: MutableEvidence) => void): Result {
  const { result, found } = judged(damage);
  assert.ok(found.includes(check), `found ${JSON.stringify(found)}`);
  return result;
}

describe('the judge', () => {
  it('finds nothing in a run that went right, and counts every position once', () => {
    const { result, found } = judged(() => {});
    assert.deepEqual(found, []);
    assert.equal(result.sent, ideal.log.length);
    assert.equal(result.routed + result.dropped + result.deadLettered, result.sent);
    for (const key of ['duplicates', 'disordered', 'late', 'future', 'malformed', 'routed', 'dropped', 'deadLettered'] as const) {
      assert.ok(result[key] > 0, key);
    }
    assert.ok(result.alerts.expected > 5);
    assert.equal(result.alerts.raised, result.alerts.expected);
    assert.equal(result.warehouse.rows, result.warehouse.expected);
    assert.equal(result.latencyMs.detect.p50, detectAfterMs);
  });

  it('prints the fields of the result in the order that is documented', () => {
    const { result } = judged(() => {});
    const positions = ['sent', 'duplicates', 'disordered', 'late', 'future', 'malformed', 'routed', 'dropped', 'deadLettered'];
    assert.deepEqual(Object.keys(result), ['type', ...positions, 'alerts', 'warehouse', 'latencyMs', 'ok']);
    assert.deepEqual(Object.keys(result.alerts), ['expected', 'raised', 'missing', 'unexpected', 'duplicated']);
    assert.deepEqual(Object.keys(result.warehouse), ['expected', 'rows', 'missing', 'duplicated']);
  });

  describe('on the way between the streams', () => {
    it('finds an acknowledged record that is not on the stream', () => {
      finds('acknowledged, but not on the stream', (e) => void e.source.pop());
    });

    it('finds other bytes than were put', () => {
      finds('other bytes on the stream than were put', (e) => void e.source.splice(0, 1, { ...first(e.source), sha256: 'f'.repeat(64) }));
    });

    it('takes a put whose answer was lost for a repeat of its bytes', () => {
      const sent = first(ideal.log.filter((s) => s.label.expect === 'routed' && s.stream === 'booking-changes'));
      const copy = first(ideal.routed.flatMap((s) => s.records).filter((r) => r.event.eventId === sent.label.eventIds[0]));
      const { result, found } = judged((e) => {
        e.source.push({ ...sent, sequenceNumber: '999999' });
        for (const shard of e.routed) if (shard.records.includes(copy)) (shard.records as RoutedRecord[]).push(copy);
      });
      assert.deepEqual(found, []);
      assert.equal(result.sent, ideal.log.length + 1);
    });

    it('finds such a repeat that was not routed', () => {
      const sent = first(ideal.log.filter((s) => s.label.expect === 'routed' && s.stream === 'booking-changes'));
      finds('lost between the streams', (e) => void e.source.push({ ...sent, sequenceNumber: '999999' }));
    });

    it('finds a record nobody put', () => {
      finds(
        'on the stream, but never put',
        (e) => void e.source.push({ ...first(e.source), sequenceNumber: '999999', sha256: 'f'.repeat(64) }),
      );
    });

    it('finds an event that was lost, also when only one of its duplicates was', () => {
      const result = finds('lost between the streams', (e) => void records(e, 0).pop());
      assert.equal(result.routed + result.dropped + result.deadLettered, result.sent - 1);
    });

    it('finds an event nobody sent', () => {
      finds('routed, but never sent', (e) => {
        const { event, arrival } = first(records(e, 0));
        records(e, 0).push({ event: { ...event, eventId: 'f'.repeat(32) }, arrival });
      });
    });

    it('finds an event made of a write that changed nothing', () => {
      const dropped = first(ideal.log.filter((s) => s.label.expect === 'dropped'));
      finds('routed, but nothing had changed', (e) => {
        const { event, arrival } = first(records(e, 0));
        records(e, 0).push({ event: { ...event, eventId: dropped.label.eventIds[1] ?? '' }, arrival });
      });
    });

    it('finds two events of a user that changed places', () => {
      finds('overtaken on its way, same user and source shard', (e) => {
        for (const shard of e.routed) (shard.records as RoutedRecord[]).reverse();
      });
    });
  });

  describe('of dead letters', () => {
    it('finds a missing one', () => {
      finds('not in the dead letters', (e) => void e.deadLetters.splice(0, 1));
    });

    it('finds a missing one of the stream behind the router', () => {
      finds('not in the dead letters', (e) => {
        e.deadLetters = e.deadLetters.filter((letter) => letter.service !== 'redshift-loader');
      });
    });

    it('finds one of a valid record', () => {
      const sent = first(ideal.log.filter((s) => s.label.expect === 'routed'));
      finds('in the dead letters, but valid', (e) => {
        e.deadLetters.push({ ...sent, service: 'event-router', subSequenceNumber: 0, reason: 'not-json' });
      });
    });

    it('finds one whose bytes are not the original ones', () => {
      finds(
        'a dead letter without the original bytes',
        (e) => void e.deadLetters.splice(0, 1, { ...first(e.deadLetters), sha256: 'f'.repeat(64) }),
      );
    });

    it('finds one without a reason, one of nothing, and two of one record', () => {
      finds('a dead letter without a reason', (e) => void e.deadLetters.splice(0, 1, { ...first(e.deadLetters), reason: '' }));
      finds('a dead letter of nothing that was put', (e) => void e.deadLetters.push({ ...first(e.deadLetters), sequenceNumber: '5' }));
      finds('two dead letters of one record', (e) => void e.deadLetters.push({ ...first(e.deadLetters), service: 'other' }));
    });
  });

  describe('of alerts', () => {
    it('finds a missing one', () => {
      const result = finds('alert not stored', (e) => {
        const gone = e.storedAlerts.pop();
        e.publishedAlerts = e.publishedAlerts.filter((p) => p.alertId !== gone?.alertId);
      });
      assert.ok(result.alerts.missing >= 1);
    });

    it('finds a planted episode without an alert, even when the oracle sees none either', () => {
      const key = first(ideal.storedAlerts).key;
      const result = finds('planted episode without an alert', (e) => {
        e.rules = { ...e.rules, rules: [] };
        e.storedAlerts = e.storedAlerts.filter((a) => a.key !== key);
      });
      assert.equal(result.alerts.missing, 1);
    });

    it('finds one that was stored and not published, and the other way round', () => {
      assert.equal(finds('alert stored, not published', (e) => void e.publishedAlerts.pop()).alerts.missing, 1);
      assert.equal(
        finds('published, not stored', (e) => void e.publishedAlerts.push({ alertId: 'x', receivedAt: 0 })).alerts.unexpected,
        1,
      );
    });

    it('takes one that was published twice', () => {
      assert.deepEqual(judged((e) => void e.publishedAlerts.push(first(e.publishedAlerts))).found, []);
    });

    it('finds one the oracle does not know, and one for an innocent user', () => {
      const innocent = first(ideal.log.filter((s) => s.label.userId !== undefined && s.label.episode === undefined)).label.userId ?? '';
      const { result, found } = judged((e) => {
        e.storedAlerts.push({ ...first(e.storedAlerts), alertId: 'f'.repeat(32), key: innocent });
        e.publishedAlerts.push({ alertId: 'f'.repeat(32), receivedAt: 0 });
      });
      assert.deepEqual(found.sort(), ['alert for an innocent user', 'alert the oracle does not know']);
      assert.equal(result.alerts.unexpected, 1);
    });

    it('finds one that tells another story than the oracle', () => {
      finds('alert differs from the oracle', (e) => void e.storedAlerts.splice(0, 1, { ...first(e.storedAlerts), value: 99 }));
    });

    it('finds one that was stored twice, under another id', () => {
      const result = finds('alert stored twice', (e) => void e.storedAlerts.push({ ...first(e.storedAlerts), alertId: 'f'.repeat(32) }));
      assert.equal(result.alerts.duplicated, 1);
    });
  });

  describe('of the warehouse', () => {
    it('finds a missing row and a doubled one', () => {
      assert.equal(finds('not in the warehouse', (e) => void e.warehouseRows.pop()).warehouse.missing, 1);
      assert.equal(finds('more than one warehouse row', (e) => void e.warehouseRows.push(first(e.warehouseRows))).warehouse.duplicated, 1);
    });

    it('finds a row nobody sent, an altered one, and one the ledger does not know', () => {
      finds('in the warehouse, but never sent', (e) => void e.warehouseRows.push({ ...first(e.warehouseRows), eventId: 'f'.repeat(32) }));
      finds(
        'warehouse row differs from what was sent',
        (e) => void e.warehouseRows.splice(0, 1, { ...first(e.warehouseRows), occurredAt: 1 }),
      );
      finds(
        'warehouse row without a ledger entry',
        (e) => void e.warehouseRows.splice(0, 1, { ...first(e.warehouseRows), loadedAt: undefined }),
      );
    });

    it('finds a row of a record that should be a dead letter', () => {
      const wrongKey = first(ideal.log.filter((s) => s.label.malformed === 'wrong-key'));
      finds('in the warehouse, but never sent', (e) => {
        e.warehouseRows.push({ ...first(e.warehouseRows), eventId: wrongKey.label.eventIds[0] ?? '' });
      });
    });

    it('finds a booking that is not at its newest version, is missing, or is there twice', () => {
      const check = 'booking is not at its newest version';
      finds(check, (e) => void e.warehouseBookings.splice(0, 1, { ...first(e.warehouseBookings), eventId: 'f'.repeat(32) }));
      finds(check, (e) => void e.warehouseBookings.pop());
      finds(check, (e) => void e.warehouseBookings.push(first(e.warehouseBookings)));
      finds('booking that was never sent', (e) => void e.warehouseBookings.push({ bookingId: 'x', eventId: 'y' }));
    });
  });

  it('ranks latencies by nearest rank', () => {
    assert.deepEqual(percentiles(Array.from({ length: 100 }, (_, i) => 100 - i)), { p50: 50, p95: 95, p99: 99 });
    assert.deepEqual(percentiles([7]), { p50: 7, p95: 7, p99: 7 });
    assert.deepEqual(percentiles([]), { p50: 0, p95: 0, p99: 0 });
  });
});
