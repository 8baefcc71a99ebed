import { type Evidence, type Failures, groupBy } from './evidence.ts';
import type { LabelledPosition } from './source-positions.ts';

/**
 * Order per (source shard, user), judged on first occurrences. Events that lie on several source shards
 * (a duplicate sent after a reshard) have no order among the shards and are left out.
 */
export function judgeOrder(evidence: Evidence, positions: readonly LabelledPosition[], failures: Failures): void {
  const firstRouted = new Map<string, number>();
  let index = 0;
  for (const shard of evidence.routed) {
    for (const { event } of shard.records) {
      if (!firstRouted.has(event.eventId)) firstRouted.set(event.eventId, index);
      index++;
    }
  }
  const byEvent = groupBy(
    positions.filter(({ label, stream }) => label.expect === 'routed' && stream === evidence.changesStream),
    ({ label }) => label.eventIds[0] ?? '',
  );
  const firsts = [...byEvent.values()]
    .filter((same) => new Set(same.map((p) => p.shardId)).size === 1)
    .map((same) => same.reduce((first, p) => (bySequence(p, first) < 0 ? p : first)));
  for (const [, events] of groupBy(firsts, (p) => `${p.shardId} ${p.label.event?.userId ?? ''}`)) {
    let latest = -1;
    for (const position of events.sort(bySequence)) {
      const routedAt = firstRouted.get(position.label.eventIds[0] ?? '');
      if (routedAt === undefined) continue; // counted as lost elsewhere
      if (routedAt < latest) failures.add('overtaken on its way, same user and source shard', `event ${position.label.eventIds[0] ?? ''}`);
      latest = Math.max(latest, routedAt);
    }
  }
}

function bySequence(a: LabelledPosition, b: LabelledPosition): number {
  return a.sequenceNumber.length - b.sequenceNumber.length || (a.sequenceNumber < b.sequenceNumber ? -1 : 1);
}
