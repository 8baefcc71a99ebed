import type { AlertRecord } from '../../services/lib/alerts/stored-alert.ts';
import type { Condition } from '../../services/lib/rules/compile.ts';
import { type Paint, printable } from './cells.ts';
import { timeline } from './timeline.ts';
import { severityColors, stateColors, stateOf } from './view.ts';
import { counted, span, utc } from './words.ts';

/** One alert for a person to read: what was found, against what the rule asks, and the evidence in time. */
export function alertPage(record: AlertRecord, condition: Condition | undefined, columns: number, paint: Paint): string[] {
  const { alert, action, arrivedAt, raisedAt, warming } = record;
  const facts: (readonly [string, string])[] = [
    ['alert', alert.alertId],
    ['rule', `${alert.ruleId} v${alert.ruleVersion}, ${alert.mode}, ${paint(alert.severity, severityColors[alert.severity])}, ${action}`],
    ['user', printable(alert.key)],
    ['found', found(record, condition)],
    ['event time', `${utc(alert.at)} UTC, the newest of its evidence`],
    ['raised', `${utc(raisedAt)} UTC, ${span(Math.max(0, raisedAt - arrivedAt))} after its event arrived`],
    ['state', state(record, paint)],
    ...(warming ? [['warming', 'the rule did not yet know its whole span on this shard: evidence may be missing'] as const] : []),
  ];
  const lines = facts.map(([name, text]) => `${paint(name.padEnd(12), 'dim')}${text}`);
  return [...lines, '', ...timeline(alert, columns, paint, withinOf(condition))];
}

/** Of the span that all evidence lies in: that of `pairs` is between their closes, and a session has none. */
function withinOf(condition: Condition | undefined): number | undefined {
  return condition === undefined || condition.kind === 'session' || condition.kind === 'pairs' ? undefined : condition.withinMs;
}

function found({ alert }: AlertRecord, condition: Condition | undefined): string {
  const { value, evidenceCount, at, evidence } = alert;
  const took = `in ${span(at - (evidence[0]?.occurredAt ?? at))}`;
  if (condition === undefined)
    return `value ${value.toLocaleString('en-US')} from ${counted(evidenceCount, 'event')} ${took}; its rule is not known here (--objects URL for the published ones, or --rules FILE)`;
  const limit = condition.atLeast.toLocaleString('en-US');
  const asks = `the rule asks for ${limit} ${condition.kind === 'session' ? `with no pause above ${span(condition.gapMs)}` : `within ${span(condition.withinMs)}`}`;
  return `${valueOf(value, evidenceCount, condition)} ${took}; ${asks}`;
}

function valueOf(value: number, evidenceCount: number, condition: Condition): string {
  switch (condition.kind) {
    case 'count':
      return counted(value, 'event');
    case 'pairs':
      return `${counted(value, 'pair')} of ${condition.open} and ${condition.close}`;
    case 'session':
      return `${counted(value, 'event')} in one session`;
    case 'sum':
      return `${condition.field} of ${value.toLocaleString('en-US')} in all, from ${counted(evidenceCount, 'event')}`;
    case 'distinct':
      return `${counted(value, 'value')} of ${condition.field}, from ${counted(evidenceCount, 'event')}`;
  }
}

function state(record: AlertRecord, paint: Paint): string {
  const { arrivedAt, publishedAt, withheldAt, refused } = record;
  const now = stateOf(record);
  const name = paint(now, stateColors[now]);
  switch (now) {
    case 'published':
      return `${name} ${utc(publishedAt ?? 0)} UTC, ${span(Math.max(0, (publishedAt ?? 0) - arrivedAt))} after its event arrived`;
    case 'withheld':
      return `${name} ${utc(withheldAt ?? 0)} UTC by the kill switch; npm run alerts -- release puts it back on the outbox`;
    case 'refused':
      return `${name} ${utc(withheldAt ?? 0)} UTC: ${printable(refused ?? '')}; npm run alerts -- release puts it back on the outbox`;
    case 'pending':
      return `${name}: not published yet`;
    case 'stored':
      return `${name}: its rule is in shadow, so it is never published`;
  }
}
