import { DynamoRulesStore, rulesTable } from '../../services/lib/rules/live/dynamo-rules-store.ts';
import type { SentRecord } from '../generate/send-log.ts';
import { readAlerts, readDeadLetters, readLockingAlerts } from '../judge/collect.ts';
import { readGenerations } from '../judge/collect-rules.ts';
import { readWarehouse } from '../judge/collect-warehouse.ts';
import type { Evidence, Failure, PublishedAlert } from '../judge/evidence.ts';
import { judge, type Verdict } from '../judge/judge.ts';
import type { CaughtMessage } from '../local/sns/sns.ts';
import type { LocalSystem } from './local-system.ts';
import type { Settled } from './settle.ts';

/** What the run broke on purpose. */
export type Planted = Partial<Pick<Evidence, 'poisoned' | 'refused'>>;

/** All that a settled run has left behind. */
export async function collectEvidence(
  system: LocalSystem,
  log: readonly SentRecord[],
  { source, routed }: Pick<Settled, 'source' | 'routed'>,
  { poisoned = [], refused = [] }: Planted = {},
): Promise<Evidence> {
  const [{ alerts }, lockingAlerts, deadLetters, warehouse, rules] = await Promise.all([
    readAlerts(system.dynamo, 'fraud-alerts'),
    readLockingAlerts(system.dynamo, 'accounts'),
    readDeadLetters(system.objects),
    readWarehouse(system.warehouse),
    readGenerations(new DynamoRulesStore(system.dynamo, rulesTable.name, system.objects), Date.now()),
  ]);
  return {
    changesStream: 'booking-changes',
    eventsStream: 'booking-events',
    log,
    source,
    routed: routed.shards,
    broken: routed.broken,
    deadLetters,
    rules,
    poisoned,
    refused,
    storedAlerts: alerts,
    publishedAlerts: system.stack.caught().map(publishedAlert),
    lockingAlerts,
    ...warehouse,
  };
}

/** The judge's verdict; what was not finished in time is a failure of its own, the first. */
export function verdictOf(evidence: Evidence, { unfinished }: Pick<Settled, 'unfinished'>): Verdict {
  const { result, failures } = judge(evidence);
  const notDone: Failure[] =
    unfinished.length === 0 ? [] : [{ check: 'not finished within --drain-timeout', count: unfinished.length, samples: unfinished }];
  return { result: { ...result, ok: result.ok && notDone.length === 0 }, failures: [...notDone, ...failures] };
}

/** A message that is no JSON is kept as text: it is no alert, and the judge says so. */
function publishedAlert({ message, attributes, receivedAt }: CaughtMessage): PublishedAlert {
  try {
    return { message: JSON.parse(message) as unknown, attributes, receivedAt };
  } catch {
    return { message, attributes, receivedAt };
  }
}
