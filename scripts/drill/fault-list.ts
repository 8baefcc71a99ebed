import type { ProcessFault } from './blows.ts';

export interface ReshardFault {
  readonly kind: 'reshard';
  readonly from: number;
  readonly to: number;
}

/** One fault, as it is done and recovered from before the next. */
export type Fault<K extends string> = ReshardFault | { readonly kind: K | ProcessFault };

const maxTimes = 100;
/** In turn. */
const killed = ['child', 'jvm', 'task'] as const;
/** Shards of booking-events, round and round. */
const shardCounts = [2, 4, 3] as const;
export const firstShards = shardCounts[0];

const common = ['kill', 'child', 'jvm', 'task', 'term', 'reshard'] as const;

/**
 * Reads `kill=3,term,reshard=1`, in the order given, each once where no number stands; `kill` is child, jvm and task in turn, reshards
 * go on where the last one ended. `own`: the drill's, beside those of every consumer; `once`: which of them works once in a run.
 * Throws what was expected.
 */
export function faultListOf<K extends string>(own: readonly K[], once: K) {
  const names = [...common, ...own];
  const isName = (name: string): name is (typeof names)[number] => (names as readonly string[]).includes(name);
  return (text: string): Fault<K>[] => {
    const faults: Fault<K>[] = [];
    let reshards = 0;
    for (const word of text.split(',')) {
      const [name = '', number = '1'] = word.split('=');
      if (!isName(name)) throw new Error(`no fault ${JSON.stringify(name)}: expected some of ${names.join(', ')}`);
      const times = Number(number);
      if (!Number.isInteger(times) || times < 1 || times > maxTimes)
        throw new Error(`${word}: expected NAME or NAME=N, N from 1 to ${maxTimes}`);
      for (let i = 0; i < times; i++) {
        if (name === 'kill') faults.push({ kind: killed[i % killed.length] ?? 'child' });
        else if (name === 'reshard') faults.push(reshardNumber(reshards++));
        else faults.push({ kind: name });
      }
    }
    if (faults.filter(({ kind }) => kind === once).length > 1) throw new Error(`${once}: once in a run`);
    return faults;
  };
}

function reshardNumber(n: number): ReshardFault {
  const count = (i: number): number => shardCounts[i % shardCounts.length] ?? firstShards;
  return { kind: 'reshard', from: count(n), to: count(n + 1) };
}
