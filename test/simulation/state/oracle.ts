import type { Position } from '../../../services/lib/kcl/position.ts';
import { type ChainEffect, linkOf } from './chain-model.ts';
import type { World } from './world.ts';

export interface Expected {
  readonly effects: ReadonlyMap<Position, Omit<ChainEffect, 'warming'>>;
  /** The chain of each key at the end. */
  readonly chains: ReadonlyMap<string, string>;
}

/** The streams in lineage order, record by record: shards are listed after their parents, and a key lives on one at a time. */
export function expectedOf({ stream, kindOf }: Pick<World, 'stream' | 'kindOf'>): Expected {
  const effects = new Map<Position, Omit<ChainEffect, 'warming'>>();
  const chains = new Map<string, string>();
  const seen = new Set<string>();
  for (const { records } of stream.shards) {
    for (const record of records) {
      if (kindOf(record) !== 'event') continue;
      const { position: trigger, partitionKey: key } = record;
      const eventId = record.data.toString();
      const chain = linkOf(chains.get(key) ?? '', trigger, eventId, seen.has(`${key} ${eventId}`));
      seen.add(`${key} ${eventId}`);
      chains.set(key, chain);
      effects.set(trigger, { key, trigger, chain });
    }
  }
  return { effects, chains };
}
