import type { Position } from '../../../services/lib/kcl/position.ts';
import { type ChainEffect, eventOf, linkOf } from './chain-model.ts';
import type { SimShard } from './stream.ts';

export interface Expected {
  readonly effects: ReadonlyMap<Position, Omit<ChainEffect, 'warming'>>;
  /** The chain of each key at the end. */
  readonly chains: ReadonlyMap<string, string>;
}

/** The streams in lineage order, record by record: shards are listed after their parents, and a key lives on one at a time. */
export function expectedOf(shards: readonly SimShard[]): Expected {
  const effects = new Map<Position, Omit<ChainEffect, 'warming'>>();
  const chains = new Map<string, string>();
  const seen = new Set<string>();
  for (const { records } of shards) {
    for (const { position: trigger, partitionKey: key, data } of records) {
      const { eventId, kind } = eventOf(data);
      if (kind !== 'event') continue;
      const chain = linkOf(chains.get(key) ?? '', trigger, eventId, seen.has(`${key} ${eventId}`));
      seen.add(`${key} ${eventId}`);
      chains.set(key, chain);
      effects.set(trigger, { key, trigger, chain });
    }
  }
  return { effects, chains };
}
