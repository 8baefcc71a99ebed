import { isDeepStrictEqual } from 'node:util';
import type { Alert } from '../../services/lib/rules/alert.ts';
import { type Evidence, type Failures, groupBy } from './evidence.ts';
import { naiveAlerts } from './naive-alerts.ts';
import type { LabelledPosition } from './source-positions.ts';

export interface AlertCounts {
  readonly expected: number;
  readonly raised: number;
  readonly missing: number;
  readonly unexpected: number;
  readonly duplicated: number;
}

/** The default rule: three cancellations make an episode that must be seen. */
const cancellationsOfAnEpisode = 3;

/**
 * Two judges: the naive oracle over what lies behind the router, and the generator, who knows whom it made a fraudster.
 */
export function judgeAlerts(evidence: Evidence, positions: readonly LabelledPosition[], failures: Failures): AlertCounts {
  const expected = new Map(naiveAlerts({ shards: evidence.routed, rules: evidence.rules }).alerts.map((alert) => [alert.alertId, alert]));
  const stored = groupBy(evidence.storedAlerts, (alert) => alert.alertId);
  const published = new Set(evidence.publishedAlerts.map((alert) => alert.alertId));
  const planted = plantedUsers(positions);

  const missing = new Set<string>();
  const unexpected = new Set<string>();
  for (const [id, alert] of expected) {
    const found = stored.get(id)?.[0];
    if (found === undefined) missing.add(note(failures, 'alert not stored', alert));
    else if (!isDeepStrictEqual(found, alert)) unexpected.add(note(failures, 'alert differs from the oracle', found));
    else if (alert.mode === 'live' && !published.has(id)) missing.add(note(failures, 'alert stored, not published', alert));
  }
  const raisedFor = new Set(evidence.storedAlerts.map((alert) => alert.key));
  for (const user of planted.complete) {
    if (raisedFor.has(user)) continue;
    failures.add('planted episode without an alert', `user ${user}`);
    missing.add(`user ${user}`);
  }
  for (const alert of evidence.storedAlerts) {
    if (!expected.has(alert.alertId)) unexpected.add(note(failures, 'alert the oracle does not know', alert));
    if (!planted.all.has(alert.key)) unexpected.add(note(failures, 'alert for an innocent user', alert));
  }
  for (const id of published) if (!stored.has(id)) unexpected.add(note(failures, 'published, not stored', { alertId: id, key: '?' }));

  let duplicated = 0;
  for (const [, same] of groupBy(evidence.storedAlerts, (a) => JSON.stringify([a.ruleId, a.ruleVersion, a.key, a.at]))) {
    const [, ...more] = same;
    for (const alert of more) note(failures, 'alert stored twice', alert);
    duplicated += more.length;
  }
  return { expected: expected.size, raised: stored.size, missing: missing.size, unexpected: unexpected.size, duplicated };
}

function note(failures: Failures, check: string, { alertId, key }: Pick<Alert, 'alertId' | 'key'>): string {
  failures.add(check, `alert ${alertId} of user ${key}`);
  return alertId;
}

/** `complete`: enough of the episode's cancellations were put to be seen (the run may have been cut short). */
function plantedUsers(positions: readonly LabelledPosition[]): { readonly all: ReadonlySet<string>; readonly complete: readonly string[] } {
  const cancellations = new Map<string, Set<string>>();
  for (const { label } of positions) {
    if (label.episode === undefined || label.userId === undefined) continue;
    const events = cancellations.get(label.userId) ?? new Set();
    if (label.type === 'cancelled') events.add(label.eventIds[0] ?? '');
    cancellations.set(label.userId, events);
  }
  const complete = [...cancellations].filter(([, events]) => events.size >= cancellationsOfAnEpisode).map(([user]) => user);
  return { all: new Set(cancellations.keys()), complete };
}
