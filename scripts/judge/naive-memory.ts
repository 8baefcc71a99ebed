import type { BookingEvent } from '../../services/lib/events/booking-event.ts';
import type { Alert } from '../../services/lib/rules/alert.ts';
import type { Rule } from '../../services/lib/rules/rules-file.ts';
import { ms } from './naive-rules.ts';

/** What one rule has on one shard, from when it began there on or at an ancestor: nothing is ever forgotten. */
export interface Life {
  /** Events that were used since, in order of arrival, by key. */
  readonly used: Map<string, BookingEvent[]>;
  readonly raised: Map<string, Alert[]>;
  /** Alerts with `at` up to it may lack events from before the rule began, epoch ms. */
  warmingUntil: number;
}

/** By id and version. */
export type Lives = ReadonlyMap<string, Life>;

export const nameOf = ({ id, version }: Rule): string => JSON.stringify([id, version]);

/** The lives of a shard that goes on with these rules; `newest`: occurredAt of the newest event that a new one has missed. */
export function goOn(lives: Lives, rules: readonly Rule[], newest: number): Lives {
  const running = rules.filter(({ mode }) => mode !== 'off');
  return new Map(running.map((rule) => [nameOf(rule), lives.get(nameOf(rule)) ?? begun(rule, newest)]));
}

/** The lives of a child: of each parent, under the child's rules, what it has of the keys that were its own. */
export function merged(
  rules: readonly Rule[],
  parents: readonly { readonly lives: Lives; readonly owns: (key: string) => boolean }[],
): Lives {
  const all = rules
    .filter(({ mode }) => mode !== 'off')
    .map((rule): [string, Life] => {
      const child: Life = { used: new Map(), raised: new Map(), warmingUntil: Number.NEGATIVE_INFINITY };
      for (const { lives, owns } of parents) {
        const life = lives.get(nameOf(rule));
        if (life === undefined) continue;
        child.warmingUntil = Math.max(child.warmingUntil, life.warmingUntil);
        for (const [key, events] of life.used) if (owns(key)) child.used.set(key, [...events]);
        for (const [key, alerts] of life.raised) if (owns(key)) child.raised.set(key, [...alerts]);
      }
      return [nameOf(rule), child];
    });
  return new Map(all);
}

const begun = (rule: Rule, newest: number): Life => ({ used: new Map(), raised: new Map(), warmingUntil: newest + reach(rule) });

/** How far before an alert's `at` its evidence can lie. */
function reach({ count, sum, distinct, pairs, session }: Rule): number {
  if (pairs !== undefined) return ms(pairs.within) + ms(pairs.maxGap);
  if (session !== undefined) return ms(session.gap) * (session.atLeast - 1);
  return ms((count ?? sum ?? distinct)?.within ?? 'PT0S');
}
