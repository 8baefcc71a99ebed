import type { RulesFile } from '../../services/lib/rules/rules-file.ts';
import type { Evidence, Failures } from './evidence.ts';
import type { LabelledPosition } from './source-positions.ts';

/** The rule that finds the planted fraud. */
const plantedRuleId = 'reserve-cancel-churn';
/** Its limit, where no rules say otherwise: three cancellations make an episode that must be seen. */
const usualLimit = 3;

export interface AlertFaults {
  /** Alerts the oracle expects. */
  readonly expected: number;
  readonly missing: Set<string>;
  readonly unexpected: Set<string>;
}

/**
 * The generator knows whom it made a fraudster: each episode has a live alert that rests on its own cancellations, nobody else has one.
 * Shadow rules are tried out: whom they accuse is for the oracle alone.
 */
export function judgePlanted(evidence: Evidence, positions: readonly LabelledPosition[], faults: AlertFaults, failures: Failures): void {
  const episodes = plantedEpisodes(positions, new Set(evidence.poisoned.map(({ eventId }) => eventId)));
  if (episodes.length > 0 && faults.expected === 0) {
    failures.add('episodes were planted, but no alert was expected', `${episodes.length} episodes`);
  }
  const live = evidence.storedAlerts.filter(({ alert }) => alert.mode === 'live');
  const limitOf = limits(evidence);
  for (const { userId, cancellations } of episodes) {
    const limit = limitOf(cancellations);
    // The run may have been cut short, and the rules may have been changed in the middle.
    if (limit === undefined || cancellations.size < limit) continue;
    const own = live.filter(({ alert }) => alert.key === userId);
    const rests = own.some(({ alert }) => alert.evidence.filter((e) => cancellations.has(e.eventId)).length >= limit);
    if (rests) continue;
    failures.add('planted episode without an alert', `user ${userId}`);
    faults.missing.add(`user ${userId}`);
  }
  const planted = new Set(episodes.map(({ userId }) => userId));
  for (const { alert } of live) {
    if (planted.has(alert.key)) continue;
    failures.add('alert for an innocent user', `alert ${alert.alertId} of user ${alert.key}`);
    faults.unexpected.add(alert.alertId);
  }
}

/** How many cancellations had to raise an alert when these came; undefined: they came under several generations, and a new rule begins empty. */
function limits({ rules, routed }: Evidence): (eventIds: ReadonlySet<string>) => number | undefined {
  if ('rules' in rules) return () => limitIn(rules);
  const arrivals = new Map<string, number>();
  for (const { event, arrival } of routed.flatMap(({ records }) => records)) {
    arrivals.set(event.eventId, Math.min(arrival, arrivals.get(event.eventId) ?? Number.POSITIVE_INFINITY));
  }
  return (eventIds) => {
    const inForce = [...eventIds].flatMap((eventId) => {
      const arrival = arrivals.get(eventId);
      return arrival === undefined ? [] : [rules.findLast(({ activeFrom }) => activeFrom <= arrival)];
    });
    const [first, ...others] = new Set(inForce);
    return others.length > 0 ? undefined : limitIn(first?.rules);
  };
}

const limitIn = (file: RulesFile | undefined): number => file?.rules.find(({ id }) => id === plantedRuleId)?.count?.atLeast ?? usualLimit;

interface Episode {
  readonly userId: string;
  readonly cancellations: Set<string>;
}

function plantedEpisodes(positions: readonly LabelledPosition[], poisoned: ReadonlySet<string>): Episode[] {
  const episodes = new Map<number, Episode>();
  for (const { label } of positions) {
    const { episode, event } = label;
    if (episode === undefined || event === undefined) continue;
    const known = episodes.get(episode) ?? { userId: event.userId, cancellations: new Set() };
    if (event.type === 'cancelled' && !poisoned.has(event.eventId)) known.cancellations.add(event.eventId);
    episodes.set(episode, known);
  }
  return [...episodes.values()];
}
