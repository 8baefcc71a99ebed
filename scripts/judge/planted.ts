import type { Evidence, Failures } from './evidence.ts';
import type { LabelledPosition } from './source-positions.ts';

/** The default rule: three cancellations make an episode that must be seen. */
const cancellationsOfAnEpisode = 3;

export interface AlertFaults {
  /** Alerts the oracle expects. */
  readonly expected: number;
  readonly missing: Set<string>;
  readonly unexpected: Set<string>;
}

/** The generator knows whom it made a fraudster: each episode has an alert that rests on its own cancellations, nobody else has one. */
export function judgePlanted(evidence: Evidence, positions: readonly LabelledPosition[], faults: AlertFaults, failures: Failures): void {
  const episodes = plantedEpisodes(positions);
  if (episodes.length > 0 && faults.expected === 0) {
    failures.add('episodes were planted, but no alert was expected', `${episodes.length} episodes`);
  }
  for (const { userId, cancellations } of episodes) {
    // The run may have been cut short.
    if (cancellations.size < cancellationsOfAnEpisode) continue;
    const own = evidence.storedAlerts.filter(({ alert }) => alert.key === userId);
    const rests = own.some(({ alert }) => alert.evidence.filter((e) => cancellations.has(e.eventId)).length >= cancellationsOfAnEpisode);
    if (rests) continue;
    failures.add('planted episode without an alert', `user ${userId}`);
    faults.missing.add(`user ${userId}`);
  }
  const planted = new Set(episodes.map(({ userId }) => userId));
  for (const { alert } of evidence.storedAlerts) {
    if (planted.has(alert.key)) continue;
    failures.add('alert for an innocent user', `alert ${alert.alertId} of user ${alert.key}`);
    faults.unexpected.add(alert.alertId);
  }
}

interface Episode {
  readonly userId: string;
  readonly cancellations: Set<string>;
}

function plantedEpisodes(positions: readonly LabelledPosition[]): Episode[] {
  const episodes = new Map<number, Episode>();
  for (const { label } of positions) {
    const { episode, event } = label;
    if (episode === undefined || event === undefined) continue;
    const known = episodes.get(episode) ?? { userId: event.userId, cancellations: new Set() };
    if (event.type === 'cancelled') known.cancellations.add(event.eventId);
    episodes.set(episode, known);
  }
  return [...episodes.values()];
}
