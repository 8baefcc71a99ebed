import { isDeepStrictEqual } from 'node:util';
import type { Alert } from '../../services/lib/rules/alert.ts';
import { type Evidence, type Failures, groupBy } from './evidence.ts';
import { naiveAlerts } from './naive-alerts.ts';
import { judgePlanted } from './planted.ts';
import { judgePublished } from './published.ts';
import type { LabelledPosition } from './source-positions.ts';

export interface AlertCounts {
  readonly expected: number;
  readonly raised: number;
  readonly missing: number;
  readonly unexpected: number;
  readonly duplicated: number;
}

/**
 * Two judges: the naive oracle over what lies behind the router, and the generator, who knows whom it made a fraudster.
 */
export function judgeAlerts(evidence: Evidence, positions: readonly LabelledPosition[], failures: Failures): AlertCounts {
  const oracle = naiveAlerts({ shards: withoutPoison(evidence), rules: evidence.rules });
  const expected = new Map(oracle.alerts.map((alert) => [alert.alertId, alert]));
  const files = 'rules' in evidence.rules ? [evidence.rules] : evidence.rules.map(({ rules }) => rules);
  const actions = new Map(files.flatMap(({ rules }) => rules.map((rule) => [`${rule.id}/${rule.version}`, rule.action ?? 'notify'])));
  const stored = groupBy(evidence.storedAlerts, ({ alert }) => alert.alertId);

  const missing = new Set<string>();
  const unexpected = new Set<string>();
  for (const [id, alert] of expected) {
    const found = stored.get(id)?.[0];
    if (found === undefined) missing.add(note(failures, 'alert not stored', alert));
    else if (!isDeepStrictEqual(found.alert, alert)) unexpected.add(note(failures, 'alert differs from the oracle', alert));
    else if (found.action !== actions.get(`${alert.ruleId}/${alert.ruleVersion}`))
      unexpected.add(note(failures, 'alert with another action than its rule', alert));
    else if (found.warming !== oracle.warming.has(id))
      unexpected.add(note(failures, 'alert that says wrongly whether it is warming', alert));
  }
  for (const { alert, columns } of evidence.storedAlerts) {
    if (!expected.has(alert.alertId)) unexpected.add(note(failures, 'alert the oracle does not know', alert));
    if (!isDeepStrictEqual(columns, columnsOf(alert))) unexpected.add(note(failures, 'columns differ from the alert beside them', alert));
  }
  judgePlanted(evidence, positions, { expected: expected.size, missing, unexpected }, failures);
  judgePublished(evidence, { missing, unexpected }, failures);

  let duplicated = 0;
  const byPlace = groupBy(evidence.storedAlerts, ({ alert: a }) => JSON.stringify([a.ruleId, a.ruleVersion, a.key, a.at]));
  for (const [, same] of byPlace) {
    const [, ...more] = same;
    for (const { alert } of more) note(failures, 'alert stored twice', alert);
    duplicated += more.length;
  }
  return { expected: expected.size, raised: stored.size, missing: missing.size, unexpected: unexpected.size, duplicated };
}

/** The shards as if what killed the detector had never been there. */
function withoutPoison({ routed, poisoned }: Evidence): Evidence['routed'] {
  const killed = new Set(poisoned.map(({ eventId }) => eventId));
  return routed.map((shard) => ({ ...shard, records: shard.records.filter(({ event }) => !killed.has(event.eventId)) }));
}

/** What lies beside the alert's JSON, for those who look it up. */
function columnsOf({ alertId, ruleId, ruleVersion, mode, severity, key, at }: Alert): Evidence['storedAlerts'][number]['columns'] {
  return { alertId, ruleId, ruleVersion, mode, severity, key, at };
}

function note(failures: Failures, check: string, { alertId, key }: Pick<Alert, 'alertId' | 'key'>): string {
  failures.add(check, `alert ${alertId} of user ${key}`);
  return alertId;
}
