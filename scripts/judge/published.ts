import { isDeepStrictEqual } from 'node:util';
import { alertIdOf, type Evidence, type Failures, type FoundAlert } from './evidence.ts';

/** Subscribers get every live alert as it is stored, at least once, and no other. */
export function judgePublished(
  { storedAlerts, publishedAlerts }: Evidence,
  { missing, unexpected }: { readonly missing: Set<string>; readonly unexpected: Set<string> },
  failures: Failures,
): void {
  const stored = new Map(storedAlerts.map((found) => [found.alert.alertId, found]));
  const published = new Set<string>();
  for (const message of publishedAlerts) {
    const id = alertIdOf(message) ?? 'without an id';
    const found = stored.get(id);
    const fault = (check: string): void => {
      failures.add(check, `alert ${id}`);
      unexpected.add(id);
    };
    published.add(id);
    if (found === undefined) fault('published, not stored');
    else {
      if (found.alert.mode !== 'live' || found.columns.mode !== 'live') fault('published, but not live');
      if (!isDeepStrictEqual(message.message, messageOf(found))) fault('published message differs from the stored alert');
      if (!isDeepStrictEqual({ ...message.attributes }, attributesOf(found))) fault('published attributes differ from the stored alert');
    }
  }
  for (const { alert } of storedAlerts) {
    if (alert.mode !== 'live' || published.has(alert.alertId)) continue;
    failures.add('alert stored, not published', `alert ${alert.alertId} of user ${alert.key}`);
    missing.add(alert.alertId);
  }
}

const messageOf = ({ alert, warming }: FoundAlert): object => (warming ? { ...alert, warming } : alert);

/** What subscribers filter by. */
const attributesOf = ({ alert, action, warming }: FoundAlert): Record<string, string> => ({
  severity: alert.severity,
  ruleId: alert.ruleId,
  mode: alert.mode,
  action,
  ...(warming ? { warming: 'true' } : {}),
});
