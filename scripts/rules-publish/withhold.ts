import { defaultRulesFile } from '../../services/fraud-detector/default-rules.ts';
import { type Withheld, withWithheld } from '../../services/lib/rules/live/pointer.ts';
import { readOrSeed } from '../../services/lib/rules/live/rules-store.ts';
import { withheldText } from './list.ts';
import type { Published } from './published.ts';
import { type Place, type Result, refusal, writeSurely } from './result.ts';

export interface WithholdContext {
  readonly published: Pick<Published, 'pointer' | 'isNew'>;
  readonly known: ReadonlySet<string> | undefined;
  readonly place: Place;
  readonly yes: boolean;
}

/**
 * The kill switch: `what` is a rule's id or `all`. It works while the object store is away: `known`, the ids of the published rules, is
 * then undefined, and a mistyped id is not found out.
 */
export async function setWithheld(
  action: 'withhold' | 'resume',
  what: string,
  { published, known, place, yes }: WithholdContext,
): Promise<Result> {
  const { withheld } = published.pointer;
  const after = action === 'withhold' ? added(withheld, what) : removed(withheld, what);
  if (action === 'withhold' && what !== 'all' && known?.has(what) === false) {
    return refusal([`there is no rule ${what}; published are ${[...known].sort().join(', ')}`]);
  }
  if (after === undefined)
    return refusal(['all alerts are withheld, so no single rule can be resumed: --resume all, then --withhold the others']);
  const changes = JSON.stringify(after) !== JSON.stringify(withheld);
  if (changes && yes) {
    const at = place.now();
    const pointer = published.isNew ? await readOrSeed(place.store, defaultRulesFile, at) : published.pointer;
    await writeSurely(place, withWithheld(pointer, after), { at, by: place.by, action, details: { what, before: withheld, after } });
  }
  const told = changes ? (yes ? 'Detectors follow within half a minute.' : 'It would be:') : 'It is so already.';
  return {
    refused: false,
    text: yes || !changes ? [withheldText(after), told] : [told, withheldText(after)],
    figures: { withheld: after, changed: changes && yes },
  };
}

const added = (withheld: Withheld, what: string): Withheld => {
  if (withheld === 'all' || what === 'all') return 'all';
  return [...new Set([...withheld, what])].sort();
};

/** Undefined where one rule cannot be taken out of all. */
const removed = (withheld: Withheld, what: string): Withheld | undefined => {
  if (what === 'all') return [];
  return withheld === 'all' ? undefined : withheld.filter((id) => id !== what);
};
