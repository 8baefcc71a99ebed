/** One fault, as it is done and recovered from before the next. */
export type Fault =
  | {
      readonly kind: 'child' | 'jvm' | 'task' | 'term' | 'alert-store' | 'object-store' | 'snapshot-store' | 'zombie' | 'reload' | 'poison';
    }
  | { readonly kind: 'reshard'; readonly from: number; readonly to: number };

/** What may stand in --faults, with how often it is done when no number is given. */
const usual: Readonly<Record<string, number>> = {
  kill: 10,
  child: 1,
  jvm: 1,
  task: 1,
  term: 5,
  reshard: 3,
  'alert-store': 1,
  'object-store': 1,
  'snapshot-store': 1,
  zombie: 1,
  reload: 1,
  poison: 1,
};
const maxTimes = 100;

export const usualFaults = 'kill,term,reshard,alert-store,object-store,snapshot-store,zombie,reload';

/** In turn. */
const killed = ['child', 'jvm', 'task'] as const;
/** Shards of booking-events, round and round. */
const shardCounts = [2, 4, 3] as const;
export const firstShards = shardCounts[0];

/** `kill=3,term,reshard=1` in the order given; reshards go on where the last one ended. Throws what was expected. */
export function parseFaults(text: string): Fault[] {
  const faults: Fault[] = [];
  let reshards = 0;
  for (const word of text.split(',')) {
    const [name = '', number] = word.split('=');
    const often = usual[name];
    if (often === undefined) throw new Error(`no fault ${JSON.stringify(name)}: expected some of ${Object.keys(usual).join(', ')}`);
    const times = number === undefined ? often : Number(number);
    if (!Number.isInteger(times) || times < 1 || times > maxTimes)
      throw new Error(`${word}: expected NAME or NAME=N, N from 1 to ${maxTimes}`);
    for (let i = 0; i < times; i++) {
      if (name === 'kill') faults.push({ kind: killed[i % killed.length] ?? 'child' });
      else if (name === 'reshard') faults.push(reshardNumber(reshards++));
      else faults.push({ kind: name as Exclude<Fault['kind'], 'reshard'> });
    }
  }
  return faults;
}

function reshardNumber(n: number): Fault {
  const count = (i: number): number => shardCounts[i % shardCounts.length] ?? firstShards;
  return { kind: 'reshard', from: count(n), to: count(n + 1) };
}
