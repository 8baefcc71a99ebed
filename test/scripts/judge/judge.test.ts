import assert from 'node:assert/strict';
import { nextRules } from '../../../scripts/drill/fraud/next-rules.ts';
import { alertIdOf, hourlyMeasures } from '../../../scripts/judge/evidence.ts';
import { judge, type Result } from '../../../scripts/judge/judge.ts';
import { percentiles } from '../../../scripts/judge/latency.ts';
import { naiveAlerts } from '../../../scripts/judge/naive-alerts.ts';
import { defaultRules } from '../../../services/fraud-detector/default-rules.ts';
import { position } from '../../../services/lib/kcl/position.ts';
import { detectAfterMs, foundAlert, idealRun, type MutableEvidence } from './ideal-run.ts';

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
    lockingAlerts: [...ideal.lockingAlerts],
    warehouseRows: [...ideal.warehouseRows],
    warehouseBookings: [...ideal.warehouseBookings],
    ledger: [...ideal.ledger],
    watermarks: [...ideal.watermarks],
    warehouseAlerts: [...ideal.warehouseAlerts],
    quarantine: [...ideal.quarantine],
    hourly: [...ideal.hourly],
    refused: [...ideal.refused],
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

/** Changes one item of a list of the damaged copy. */
function replace<T>(items: T[], at: number, change: (item: T) => Partial<T>): void {
  const item = first(items.slice(at));
  items.splice(at, 1, { ...item, ...change(item) });
}

/** A change of each field that an event, or its row, carries from its origin. */
const alterations = {
  bookingId: 'bkg-other',
  version: 77,
  userId: 'usr-other',
  tourId: 'tour-other',
  occurredAt: 1_777_000_000_001,
  seats: 99,
  amountMinor: 1,
  currency: 'XXX',
  channel: 'fax',
  source: 'partner',
} as const;

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
    assert.deepEqual(Object.keys(result), ['type', ...positions, 'alerts', 'warehouse', 'latencyMs', 'locks', 'ok']);
    assert.deepEqual(Object.keys(result.alerts), ['expected', 'raised', 'missing', 'unexpected', 'duplicated']);
    assert.deepEqual(Object.keys(result.warehouse), ['expected', 'rows', 'missing', 'duplicated']);
  });

  describe('of a run in which nothing happened', () => {
    const empty = (e: MutableEvidence): void => {
      e.log = [];
      e.source = [];
      e.routed = e.routed.map((shard) => ({ ...shard, records: [] }));
      e.broken = [];
      e.deadLetters = [];
      e.storedAlerts = [];
      e.publishedAlerts = [];
      e.lockingAlerts = [];
      e.warehouseRows = [];
      e.warehouseBookings = [];
      e.ledger = [];
      e.watermarks = [];
      e.hourly = [];
      e.warehouseAlerts = [];
    };

    it('finds that nothing was sent, though everything of it is accounted for', () => {
      assert.deepEqual(judged(empty).found, ['nothing was sent']);
    });

    it('finds that nothing was routed', () => {
      finds('nothing was routed', (e) => {
        e.routed = e.routed.map((shard) => ({ ...shard, records: [] }));
      });
    });

    it('finds that no alert was expected of episodes that were planted', () => {
      finds('episodes were planted, but no alert was expected', (e) => {
        e.rules = { ...defaultRules, rules: [] };
        e.storedAlerts = [];
        e.publishedAlerts = [];
        e.lockingAlerts = [];
      });
    });
  });

  describe('of alerts in the warehouse', () => {
    it('finds one that is missing, doubled, another or not stored', () => {
      finds('stored alert that is not in the warehouse', (e) => e.warehouseAlerts.pop());
      finds('more than one warehouse row of an alert', (e) => e.warehouseAlerts.push(first(e.warehouseAlerts)));
      finds('alert in the warehouse differs from the stored one', (e) => replace(e.warehouseAlerts, 0, () => ({ at: 1 })));
      finds('alert in the warehouse that is not stored', (e) =>
        e.warehouseAlerts.push({ ...first(e.warehouseAlerts), alertId: 'another' }),
      );
    });
  });

  describe('of locks', () => {
    it('counts each account once, however many alerts locked it', () => {
      const users = new Set(ideal.lockingAlerts.map(({ userId }) => userId));
      const { result } = judged((e) => void e.lockingAlerts.push(first(e.lockingAlerts)));
      assert.equal(result.locks, users.size);
      assert.ok(result.locks > 0);
    });

    it('finds one that was not set, one of another user, and one that no alert asked for', () => {
      finds('alert asked for a lock that was not set', (e) => void e.lockingAlerts.pop());
      finds('account of another user locked', (e) => replace(e.lockingAlerts, 0, () => ({ userId: 'other' })));
      finds('account locked that no alert asked for', (e) => void e.lockingAlerts.push({ alertId: 'x', userId: 'other' }));
    });

    it('asks for none when an alert is warming or does not say so', () => {
      const unlocked = (attributes: object, message: object): string[] =>
        judged((e) => {
          replace(e.publishedAlerts, 0, (old) => ({
            attributes: { ...old.attributes, ...attributes },
            message: { ...(old.message as object), ...message },
          }));
          e.lockingAlerts.shift();
        }).found.filter((check) => check.includes('lock'));
      assert.deepEqual(unlocked({ action: 'notify' }, {}), []);
      assert.deepEqual(unlocked({}, { warming: true }), []);
      assert.deepEqual(unlocked({}, { warming: false }), ['alert asked for a lock that was not set']);
    });
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
        for (const { shardId, records } of e.routed) {
          if (!records.includes(copy)) continue;
          (records as RoutedRecord[]).push(copy);
          const at = e.ledger.findIndex((file) => file.shardId === shardId);
          replace(e.ledger, at, (file) => ({ copied: file.copied + 1 }));
        }
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

    for (const [field, value] of Object.entries({ ...alterations, type: 'expired' })) {
      it(`finds an event whose ${field} was altered`, () => {
        finds('routed event differs from what was sent', (e) =>
          replace(records(e, 0), 0, ({ event }) => ({ event: { ...event, [field]: value } as RoutedRecord['event'] })),
        );
      });
    }

    it('takes what the origin carried besides for no alteration', () => {
      assert.deepEqual(judged((e) => replace(records(e, 0), 0, ({ event }) => ({ event: { ...event, extra: { a: 1 } } }))).found, []);
    });

    it('finds two changes that pass for one event', () => {
      const sameId = (label: (typeof ideal.log)[number]['label'], other: typeof label) => ({ ...other, eventIds: label.eventIds });
      const [a, b] = ideal.log.filter((s) => s.label.expect === 'routed' && s.label.duplicate === undefined);
      assert.ok(a && b);
      finds('one event id, different bytes', (e) => replace(e.log, ideal.log.indexOf(b), () => ({ label: sameId(a.label, b.label) })));
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

    it('finds one by another service than reads the stream', () => {
      finds('a dead letter by another service than reads its stream', (e) =>
        replace(e.deadLetters, 0, ({ service }) => ({ service: service === 'event-router' ? 'redshift-loader' : 'event-router' })),
      );
    });

    it('finds one of another record of the same aggregate', () => {
      const { found } = judged((e) => replace(e.deadLetters, 0, () => ({ subSequenceNumber: 1 })));
      assert.ok(found.includes('not in the dead letters') && found.includes('a dead letter of nothing that was put'), found.join());
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
        e.publishedAlerts = e.publishedAlerts.filter((p) => alertIdOf(p) !== gone?.alert.alertId);
      });
      assert.ok(result.alerts.missing >= 1);
    });

    it('finds a planted episode without an alert, even when the oracle sees none either', () => {
      const key = first(ideal.storedAlerts).alert.key;
      const result = finds('planted episode without an alert', (e) => {
        e.rules = { ...defaultRules, rules: [] };
        e.storedAlerts = e.storedAlerts.filter((a) => a.alert.key !== key);
      });
      assert.equal(result.alerts.missing, 1);
    });

    it('finds one that was stored and not published, and the other way round', () => {
      assert.equal(finds('alert stored, not published', (e) => void e.publishedAlerts.pop()).alerts.missing, 1);
      assert.equal(
        finds('published, not stored', (e) => void e.publishedAlerts.push({ ...first(e.publishedAlerts), message: { alertId: 'x' } }))
          .alerts.unexpected,
        1,
      );
    });

    it('takes the action of an alert from its rule version, whatever was published later', () => {
      const later = defaultRules.rules.map((rule) => ({ ...rule, version: 2, action: 'notify' as const }));
      const generations = [
        { generation: 1, activeFrom: 0, rules: defaultRules },
        { generation: 2, activeFrom: Number.MAX_SAFE_INTEGER, rules: { ...defaultRules, rules: later } },
      ];
      const { found } = judged((e) => {
        e.rules = generations;
      });
      assert.deepEqual(found, []);
    });

    describe('of a run in which rules were changed', () => {
      const arrivals = ideal.routed.flatMap((shard) => shard.records.map(({ arrival }) => arrival)).sort((a, b) => a - b);
      const activeFrom = arrivals[Math.floor(arrivals.length / 2)] ?? 0;
      const rules = [
        { generation: 1, activeFrom: 0, rules: defaultRules },
        { generation: 2, activeFrom, rules: nextRules(defaultRules) },
      ];
      const oracle = naiveAlerts({ shards: ideal.routed, rules });
      const stored = oracle.alerts.map((alert) => ({
        ...foundAlert(alert),
        action: alert.mode === 'live' ? 'lock' : 'notify',
        warming: oracle.warming.has(alert.alertId),
      }));
      const changed = (e: MutableEvidence): void => {
        e.rules = rules;
        e.storedAlerts = [...stored];
        e.warehouseAlerts = stored.map(({ columns }) => columns);
        e.publishedAlerts = stored
          .filter(({ alert }) => alert.mode === 'live')
          .map(({ alert: { severity, ruleId, mode, ...alert }, action, warming }) => ({
            message: { ...alert, severity, ruleId, mode, ...(warming && { warming }) },
            attributes: { severity, ruleId, mode, action, ...(warming && { warming: 'true' }) },
            receivedAt: activeFrom,
          }));
        e.lockingAlerts = stored.flatMap(({ alert, action, warming }) =>
          action === 'lock' && !warming ? [{ alertId: alert.alertId, userId: alert.key }] : [],
        );
      };
      const last = stored.findLast(({ alert }) => alert.mode === 'live');

      it('takes the limit in force, episodes that the change cut in two, and shadow alerts of anybody that are not published', () => {
        assert.equal(last?.alert.ruleVersion, 2);
        assert.ok(stored.some(({ alert }) => alert.mode === 'shadow'));
        assert.deepEqual(judged(changed).found, []);
      });

      it('finds a planted episode that only a shadow rule saw', () => {
        finds('planted episode without an alert', (e) => {
          changed(e);
          e.storedAlerts = e.storedAlerts.filter((found) => found !== last);
        });
      });
    });

    describe('of a run in which a record killed the detector', () => {
      const { event } = first(records(ideal, 0).filter((record) => record.event.eventId === first(ideal.storedAlerts).alert.triggeredBy));
      const poisoned = { eventId: event.eventId, sha256: 'a' };
      const at = { shardId: 'shardId-000000000000', sequenceNumber: '1', subSequenceNumber: 1, sha256: poisoned.sha256 };
      const letter = { ...at, service: 'fraud-detector', stream: 'booking-events', reason: 'poison' };
      /** As if the record had never been there. */
      const killed = (e: MutableEvidence): void => {
        const { alerts } = naiveAlerts({
          shards: e.routed.map((shard) => ({ ...shard, records: shard.records.filter((r) => r.event.eventId !== event.eventId) })),
          rules: defaultRules,
        });
        const stored = new Set(alerts.map(({ alertId }) => alertId));
        e.poisoned = [poisoned];
        e.deadLetters.push(letter);
        e.storedAlerts = alerts.map(foundAlert);
        e.warehouseAlerts = e.storedAlerts.map(({ columns }) => columns);
        e.publishedAlerts = alerts.map((alert) => ({
          message: alert,
          attributes: { severity: alert.severity, ruleId: alert.ruleId, mode: alert.mode, action: 'lock' },
          receivedAt: event.occurredAt,
        }));
        e.lockingAlerts = alerts.map(({ alertId, key }) => ({ alertId, userId: key }));
        assert.ok(!stored.has(first(ideal.storedAlerts).alert.alertId));
      };

      it('takes alerts as without the record, and its dead letter', () => {
        assert.deepEqual(judged(killed).found, []);
      });

      it('finds that it is no dead letter, or was one of a record that killed nobody', () => {
        const letters = [...ideal.deadLetters];
        finds('killed the detector, and is not in its dead letters', (e) => {
          killed(e);
          e.deadLetters = letters;
        });
        finds('a dead letter of nothing that was put', (e) => void e.deadLetters.push(letter));
      });
    });

    it('finds one that says wrongly that it is warming, and nothing else where its message says the same', () => {
      const { found } = judged((e) => {
        const { alert } = first(e.storedAlerts);
        replace(e.storedAlerts, 0, () => ({ warming: true }));
        e.lockingAlerts = e.lockingAlerts.filter(({ alertId }) => alertId !== alert.alertId);
        e.publishedAlerts = e.publishedAlerts.map((published) =>
          (published.message as { alertId: string }).alertId === alert.alertId
            ? { ...published, message: { ...alert, warming: true }, attributes: { ...published.attributes, warming: 'true' } }
            : published,
        );
      });
      assert.deepEqual(found, ['alert that says wrongly whether it is warming']);
    });

    it('finds a message that does not say that its alert is warming', () => {
      finds('published message differs from the stored alert', (e) => replace(e.storedAlerts, 0, () => ({ warming: true })));
    });

    it('finds published ones of a rule that is not live', () => {
      for (const mode of ['shadow', 'off'] as const) {
        finds('published, but not live', (e) => {
          e.rules = { ...defaultRules, rules: defaultRules.rules.map((rule) => ({ ...rule, mode })) };
          e.storedAlerts = e.storedAlerts.map(({ alert }) => foundAlert({ ...alert, mode }));
          e.publishedAlerts = e.publishedAlerts.map((p) => ({
            ...p,
            message: { ...(p.message as object), mode },
            attributes: { ...p.attributes, mode },
          }));
        });
      }
    });

    it('finds a message that differs from the stored alert, or is none', () => {
      finds('published message differs from the stored alert', (e) =>
        replace(e.publishedAlerts, 0, ({ message }) => ({ message: { ...(message as object), value: 99 } })),
      );
      finds('published, not stored', (e) => replace(e.publishedAlerts, 0, () => ({ message: 'no alert' })));
    });

    for (const name of ['action', 'severity', 'mode', 'ruleId']) {
      it(`finds a message whose attribute ${name} is another or missing`, () => {
        const check = 'published attributes differ from the stored alert';
        finds(check, (e) => replace(e.publishedAlerts, 0, ({ attributes }) => ({ attributes: { ...attributes, [name]: 'other' } })));
        finds(check, (e) =>
          replace(e.publishedAlerts, 0, ({ attributes }) => ({
            attributes: Object.fromEntries(Object.entries(attributes).filter(([key]) => key !== name)),
          })),
        );
      });
    }

    it('finds another action than the rule has', () => {
      finds('alert with another action than its rule', (e) => {
        replace(e.storedAlerts, 0, () => ({ action: 'notify' }));
        replace(e.publishedAlerts, 0, ({ attributes }) => ({ attributes: { ...attributes, action: 'notify' } }));
      });
    });

    for (const [column, value] of Object.entries({
      alertId: 'f',
      ruleId: 'x',
      ruleVersion: 9,
      mode: 'shadow',
      severity: 'low',
      key: 'x',
      at: 1,
    })) {
      it(`finds a column ${column} that differs from the alert beside it`, () => {
        finds('columns differ from the alert beside them', (e) =>
          replace(e.storedAlerts, 0, ({ columns }) => ({ columns: { ...columns, [column]: value } })),
        );
      });
    }

    it('finds an alert of a fraudster that does not rest on the episode', () => {
      const { alert } = first(ideal.storedAlerts);
      const foreign = alert.evidence.map((e, i) => ({ ...e, eventId: String(i).padStart(32, 'f') }));
      finds('planted episode without an alert', (e) => {
        replace(e.storedAlerts, 0, () => foundAlert({ ...alert, evidence: foreign }));
      });
    });

    it('takes one that was published twice', () => {
      assert.deepEqual(judged((e) => void e.publishedAlerts.push(first(e.publishedAlerts))).found, []);
    });

    it('finds one the oracle does not know, and one for an innocent user', () => {
      const innocent =
        first(ideal.log.filter((s) => s.label.event !== undefined && s.label.episode === undefined)).label.event?.userId ?? '';
      const { result, found } = judged((e) => {
        const alert = { ...first(e.storedAlerts).alert, alertId: 'f'.repeat(32), key: innocent };
        e.storedAlerts.push(foundAlert(alert));
        e.warehouseAlerts.push(foundAlert(alert).columns);
        e.publishedAlerts.push({ ...first(e.publishedAlerts), message: alert });
        e.lockingAlerts.push({ alertId: alert.alertId, userId: alert.key });
      });
      assert.deepEqual(found.sort(), ['alert for an innocent user', 'alert the oracle does not know']);
      assert.equal(result.alerts.unexpected, 1);
    });

    it('finds one that tells another story than the oracle', () => {
      finds(
        'alert differs from the oracle',
        (e) => void e.storedAlerts.splice(0, 1, foundAlert({ ...first(e.storedAlerts).alert, value: 99 })),
      );
    });

    it('finds one that was stored twice, under another id', () => {
      const result = finds(
        'alert stored twice',
        (e) => void e.storedAlerts.push(foundAlert({ ...first(e.storedAlerts).alert, alertId: 'f'.repeat(32) })),
      );
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

    for (const [column, value] of Object.entries({ ...alterations, type: 'other' })) {
      it(`finds a row and a booking whose ${column} was altered`, () => {
        finds('warehouse row differs from what was sent', (e) => replace(e.warehouseRows, 0, () => ({ [column]: value })));
        if (column === 'bookingId') return; // that is another booking, and judged as one
        finds('booking differs from what was sent', (e) => replace(e.warehouseBookings, 0, () => ({ [column]: value })));
      });
    }

    it('finds a range that was loaded twice, though the load dropped the repeats', () => {
      const twice = first(ideal.ledger);
      const { found } = judged((e) => void e.ledger.push({ ...twice, fileId: 'again', inserted: 0 }));
      assert.deepEqual(found, ['the ledger has a hole or an overlap', 'other rows copied than records on the shard']);
    });

    it('finds a range that was not loaded', () => {
      finds('the ledger has a hole or an overlap', (e) => void e.ledger.splice(0, 1));
      finds('the ledger has a hole or an overlap', (e) => replace(e.ledger, 1, () => ({ from: position('1', 1) })));
      finds('the ledger has a hole or an overlap', (e) => replace(e.ledger, 0, () => ({ from: position('0', 1) })));
      finds('the ledger has a hole or an overlap', (e) => replace(e.ledger, 0, ({ to }) => ({ from: to })));
    });

    it('finds a watermark that is not where the ledger ends', () => {
      const check = 'the ledger does not end at the watermark';
      finds(check, (e) => replace(e.watermarks, 0, () => ({ position: position('9') })));
      finds(check, (e) => void e.watermarks.pop());
      finds(check, (e) => void e.watermarks.push(first(e.watermarks)));
      finds(check, (e) => {
        e.ledger = e.ledger.filter(({ shardId }) => shardId !== first(ideal.ledger).shardId);
      });
    });

    it('finds counts that are not those of the rows', () => {
      finds('other rows copied than records on the shard', (e) => replace(e.ledger, 0, ({ copied }) => ({ copied: copied + 1 })));
      finds('other rows inserted than the warehouse holds', (e) => replace(e.ledger, 0, ({ inserted }) => ({ inserted: inserted + 1 })));
      // The same total, other files.
      finds('other rows inserted than the warehouse holds', (e) => {
        replace(e.ledger, 0, ({ inserted }) => ({ inserted: inserted + 1 }));
        replace(e.ledger, 1, ({ inserted }) => ({ inserted: inserted - 1 }));
      });
      finds('a file is in the ledger twice', (e) => void e.ledger.push(first(e.ledger)));
    });

    it('finds a ledger of another application or stream', () => {
      const check = 'ledger of another application or stream';
      finds(check, (e) => replace(e.ledger, 0, () => ({ application: 'other' })));
      finds(check, (e) => replace(e.ledger, 0, () => ({ streamId: 'booking-events@1' })));
      finds(check, (e) => replace(e.watermarks, 0, () => ({ streamId: 'other@1777622400' })));
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
      finds('booking that was never sent', (e) => void e.warehouseBookings.push({ ...first(e.warehouseBookings), bookingId: 'x' }));
    });
  });

  describe('of figures per hour', () => {
    const damaged = (change: (measures: MutableEvidence['hourly'][number]['measures']) => object) => (e: MutableEvidence) =>
      replace(e.hourly, 0, ({ measures }) => ({ measures: { ...measures, ...change(measures) } }));

    for (const name of hourlyMeasures) {
      it(`finds ${name} that differs from a recount by one`, () => {
        finds(
          'kpi_hourly differs from a recount of the events',
          damaged((measures) => ({ [name]: String(Number(measures[name]) + 1) })),
        );
      });
    }

    it('finds a row that is missing, one of nothing, one there twice, and one on another business day', () => {
      finds('not in kpi_hourly, but among the events', (e) => void e.hourly.pop());
      finds('kpi_hourly counts what is not among the events', (e) => replace(e.hourly, 0, ({ key }) => ({ key: `${key}x` })));
      finds('two rows of kpi_hourly for the same hour and things', (e) => void e.hourly.push(first(e.hourly)));
      finds('kpi_hourly counts what is not among the events', (e) =>
        replace(e.hourly, 0, ({ key }) => ({ key: key.replace('2026-05-01', '2026-05-02') })),
      );
    });
  });

  describe('of a line that the warehouse was made to refuse', () => {
    // Of a booking with this event alone, so that it has no other state to show.
    const lone = first(
      ideal.warehouseRows.filter(({ bookingId }) => ideal.warehouseRows.filter((row) => row.bookingId === bookingId).length === 1),
    );
    const copies = ideal.routed.flatMap(({ records }) => records).filter(({ event }) => event.eventId === lone.eventId).length;
    const key = [lone.occurredAt - (lone.occurredAt % 3_600_000), '2026-05-01', lone.tourId, lone.channel, lone.currency].join('|');

    /** As the loader leaves it, each copy of the event refused. */
    function refuse(e: MutableEvidence): void {
      e.refused.push(lone.eventId);
      e.warehouseRows = e.warehouseRows.filter(({ eventId }) => eventId !== lone.eventId);
      e.warehouseBookings = e.warehouseBookings.filter(({ bookingId }) => bookingId !== lone.bookingId);
      const at = e.ledger.findIndex(({ fileId }) => fileId === lone.fileId);
      replace(e.ledger, at, ({ copied, inserted }) => ({ copied: copied - copies, inserted: inserted - 1, quarantined: copies }));
      for (let line = 1; line <= copies; line++) e.quarantine.push({ fileId: lone.fileId, line, eventId: lone.eventId });
      const of = (name: string, n: number) => (lone.type === name ? n : 0);
      replace(
        e.hourly,
        e.hourly.findIndex((row) => row.key === key),
        ({ measures: m }) => ({
          measures: {
            ...m,
            reserved: String(Number(m.reserved) - of('reserved', 1)),
            seats_reserved: String(Number(m.seats_reserved) - of('reserved', lone.seats)),
            amount_reserved_minor: String(Number(m.amount_reserved_minor) - of('reserved', lone.amountMinor)),
          },
        }),
      );
      e.hourly = e.hourly.filter(({ measures }) => Object.values(measures).some((n) => n !== '0'));
    }

    it('finds nothing when it is in quarantine and nowhere else', () => {
      assert.deepEqual(judged(refuse).found, []);
    });

    it('finds that it is not in quarantine, is there twice, or of a file that was not loaded', () => {
      const check = 'refused by the warehouse, and not in quarantine';
      finds(check, (e) => {
        refuse(e);
        e.quarantine = [];
      });
      assert.equal(finds('not in the warehouse', (e) => void (refuse(e), (e.quarantine = []))).warehouse.missing, 1);
      finds('a line is in quarantine twice', (e) => void (refuse(e), e.quarantine.push(first(e.quarantine))));
      finds('in quarantine, but of no file in the ledger', (e) => void (refuse(e), replace(e.quarantine, 0, () => ({ fileId: 'other' }))));
    });

    it('finds a valid line in quarantine, and a count of the ledger that is another', () => {
      finds('in quarantine, but valid', (e) => void (refuse(e), (e.refused = [])));
      finds('in quarantine, but valid', (e) => void (refuse(e), replace(e.quarantine, 0, () => ({ eventId: undefined }))));
      finds('other lines refused than are in quarantine', (e) => replace(e.ledger, 0, () => ({ quarantined: 1 })));
      finds('other rows copied than records on the shard', (e) => replace(e.ledger, 0, () => ({ quarantined: 1 })));
    });
  });

  it('ranks latencies by nearest rank', () => {
    assert.deepEqual(percentiles(Array.from({ length: 100 }, (_, i) => 100 - i)), { p50: 50, p95: 95, p99: 99 });
    assert.deepEqual(percentiles([7]), { p50: 7, p95: 7, p99: 7 });
    assert.deepEqual(percentiles([]), { p50: 0, p95: 0, p99: 0 });
  });
});
