import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { naiveAlerts } from '../../scripts/judge/naive-alerts.ts';
import type { BookingEvent, EventType } from '../../services/lib/events/booking-event.ts';
import type { Alert } from '../../services/lib/rules/alert.ts';
import { compileRules } from '../../services/lib/rules/compile.ts';
import { defaultLimits } from '../../services/lib/rules/memory-limits.ts';
import { parseRulesText } from '../../services/lib/rules/rules-text.ts';
import { ShardState } from '../../services/lib/rules/shard-state.ts';
import { bookingEvent, wholeRange } from '../oracle/scenario.ts';

const page = readFileSync(new URL('../../docs/rules.md', import.meta.url), 'utf8');
const file = /^```json file\n(.*?)^```/ms.exec(page)?.[1] ?? '';
const examples = [...page.matchAll(/^```json rule\n(.*?)^```\n```text events\n[^\n]*\n(.*?)^```/gms)];

interface Row {
  readonly name: string;
  readonly event: BookingEvent;
  /** `VALUE from EVENT…`, `late`, `duplicate`, empty when the event raises none. */
  readonly told: string;
}

function rowOf(line: string): Row {
  const cells = /^(\w) +(\S+) +(\S+) +(\S+) +(\S+) +([\d.]+) (\w{3})(?: +(.*))?$/.exec(line.trimEnd());
  assert.ok(cells, `a row of events: ${line}`);
  const [, name = '', time = '', type = '', bookingId = '', tourId = '', amount = '', currency = '', told = ''] = cells;
  const event = bookingEvent({
    bookingId,
    type: type as EventType,
    version: name.charCodeAt(0),
    tourId,
    currency,
    amountMinor: Math.round(Number(amount) * 100),
    occurredAt: Date.parse(`2026-05-01T${time}Z`),
  });
  return { name, event, told };
}

describe('docs/rules.md', () => {
  it('has an example of each kind, of a cooldown and of what is passed over', () => {
    assert.deepEqual(
      examples.map(([, rule]) => ['count', 'sum', 'distinct', 'pairs', 'session'].filter((kind) => rule?.includes(`"${kind}":`))),
      [['count'], ['sum'], ['distinct'], ['pairs'], ['session'], ['count'], ['count']],
    );
  });

  it('names the bounds that hold', () => {
    const { maxEventsPerKey, maxEventsPerRule, maxEvents, maxIds } = defaultLimits;
    for (const bound of [maxEventsPerKey, maxEventsPerRule, maxEvents, maxIds]) {
      assert.ok(page.includes(bound.toLocaleString('en-US')), String(bound));
    }
  });

  for (const [, rule = '', table = ''] of examples) {
    const rules = parseRulesText(Buffer.from(file.replace('"rules": []', `"rules": [${rule}]`)));

    it(`tells the truth of ${rules.rules[0]?.id}`, () => {
      const rows = table.trim().split('\n').map(rowOf);
      const nameOf = new Map(rows.map(({ name, event }) => [event.eventId, name]));
      const state = ShardState.empty(compileRules(rules), wholeRange);
      const alerts: Alert[] = [];
      const told = rows.map(({ event }) => {
        const applied = state.apply(event, undefined);
        if (applied.kind === 'skipped') return applied.reason;
        alerts.push(...applied.alerts);
        return applied.alerts
          .map(({ value, evidence }) => `${value} from ${evidence.map(({ eventId }) => nameOf.get(eventId)).join(' ')}`)
          .join();
      });
      assert.deepEqual(
        told,
        rows.map((row) => row.told),
      );
      const records = rows.map(({ event }) => ({ event, arrival: Number.POSITIVE_INFINITY }));
      const oracle = naiveAlerts({ shards: [{ shardId: 'file', parents: [], range: wholeRange, records }], rules });
      const passedOver = (reason: string): number => told.filter((one) => one === reason).length;
      const skipped = { late: passedOver('late'), future: 0, duplicate: passedOver('duplicate') };
      assert.deepEqual(oracle, { alerts, warming: new Set(), skipped });
    });
  }
});
