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

/**
 * Reads `kill=3,term,reshard=1`, in the order given; `kill` is child, jvm and task in turn, reshards go on where the last one ended.
 * `usual`: what may stand there, with how often it is done when no number is given. Throws what was expected.
 */
export function faultListOf<K extends string>(usual: Readonly<Record<K | ProcessFault | 'kill' | 'reshard', number>>) {
  const isName = (name: string): name is keyof typeof usual => Object.hasOwn(usual, name);
  return (text: string): Fault<K>[] => {
    const faults: Fault<K>[] = [];
    let reshards = 0;
    for (const word of text.split(',')) {
      const [name = '', number] = word.split('=');
      if (!isName(name)) throw new Error(`no fault ${JSON.stringify(name)}: expected some of ${Object.keys(usual).join(', ')}`);
      const times = number === undefined ? usual[name] : Number(number);
      if (!Number.isInteger(times) || times < 1 || times > maxTimes)
        throw new Error(`${word}: expected NAME or NAME=N, N from 1 to ${maxTimes}`);
      for (let i = 0; i < times; i++) {
        if (name === 'kill') faults.push({ kind: killed[i % killed.length] ?? 'child' });
        else if (name === 'reshard') faults.push(reshardNumber(reshards++));
        else faults.push({ kind: name });
      }
    }
    return faults;
  };
}

function reshardNumber(n: number): ReshardFault {
  const count = (i: number): number => shardCounts[i % shardCounts.length] ?? firstShards;
  return { kind: 'reshard', from: count(n), to: count(n + 1) };
}
