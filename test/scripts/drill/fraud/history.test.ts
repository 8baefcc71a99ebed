import assert from 'node:assert/strict';
import { type History, historyLines, lineageText, whereAllIs } from '../../../../scripts/drill/fraud/history.ts';
import type { StateSighting } from '../../../../scripts/drill/fraud/state-watch.ts';
import type { BookingEvent } from '../../../../services/lib/events/booking-event.ts';
import type { Alert } from '../../../../services/lib/rules/alert.ts';
import type { SnapshotRef } from '../../../../services/lib/state/state-row.ts';

const record = (eventId: string, userId: string) => ({
  event: { eventId, userId, type: 'cancelled', occurredAt: 5 } as BookingEvent,
  arrival: 6,
});
const alert = (alertId: string, triggeredBy: string): Alert => ({ alertId, triggeredBy, key: 'u' }) as Alert;
const stored = (alertId: string, triggeredBy: string) =>
  ({ alert: alert(alertId, triggeredBy), action: 'lock', columns: {} }) as History['evidence']['storedAlerts'][number];
const published = (alertId: string) => ({ message: { alertId }, attributes: {}, receivedAt: 9 });
const snapshot = (epoch: number, bytes: number) => ({ epoch, position: 'p', generation: 1, bytes }) as unknown as SnapshotRef;
const sighting = (at: number, shardId: string, epoch: number, worker: string, change: Partial<StateSighting> = {}): StateSighting => ({
  at,
  shardId,
  epoch,
  worker,
  current: undefined,
  previous: undefined,
  final: false,
  skips: [],
  retired: false,
  ...change,
});

const range = { start: 0n, end: 9n };
const history: History = {
  evidence: {
    routed: [
      { shardId: 'parent', parents: [], range, records: [record('e1', 'u'), record('e2', 'v')] },
      { shardId: 'child', parents: ['parent'], range, records: [record('e2', 'v'), record('e3', 'u')] },
    ],
    storedAlerts: [stored('a2', 'e2'), stored('a3', 'e3')],
    publishedAlerts: [published('a2'), published('a2'), published('a3')],
  },
  sightings: [
    sighting(10, 'parent', 1, 'one', { current: snapshot(1, 100) }),
    sighting(20, 'parent', 2, 'one', { current: snapshot(1, 100) }),
    sighting(30, 'parent', 3, 'two', { current: snapshot(3, 2_000), final: true }),
  ],
  events: [{ at: 15, what: 'kill' }],
};

describe('the history of a drill', () => {
  it('names its file only where it is kept', () => {
    assert.equal(whereAllIs('/tmp/x/history.ndjson', true), 'all of it in /tmp/x/history.ndjson');
    assert.match(whereAllIs('/tmp/x/history.ndjson', false), /^(?!.*\/tmp).*--keep DIR keeps/);
  });

  it('is told shard by shard: owners, snapshots, records, alerts by the shard that raised them', () => {
    assert.deepEqual(lineageText(history).split('\n'), [
      '  parent',
      '    records    2 of 2 users',
      '    epochs     1–2 by one, 3 by two',
      '    snapshots  2 pointed at, the last one final, of 2,000 bytes',
      '    alerts     1 stored, 2 messages published',
      '  child from parent',
      '    records    2 of 2 users',
      '    epochs     none seen',
      '    snapshots  none seen',
      '    alerts     1 stored, 1 messages published',
      '',
    ]);
  });

  it('is written whole: faults and state by time, then each record with the alert that it raised, once', () => {
    const lines = [...historyLines(history)].map(
      (line) => JSON.parse(line) as { kind: string; at?: number; eventId?: string; alert?: Alert },
    );
    assert.deepEqual(
      lines.map(({ kind, at, eventId, alert: raised }) =>
        [kind, at ?? eventId ?? raised?.alertId].filter((part) => part !== undefined).join(' '),
      ),
      [
        'state 10',
        'event 15',
        'state 20',
        'state 30',
        'shard',
        'record e1',
        'record e2',
        'alert a2',
        'shard',
        'record e2',
        'record e3',
        'alert a3',
      ],
    );
  });
});
