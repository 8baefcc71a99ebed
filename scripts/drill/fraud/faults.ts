import { type Fault, faultListOf } from '../fault-list.ts';

const own = ['alert-store', 'object-store', 'snapshot-store', 'zombie', 'reload', 'poison'] as const;
export type FraudFault = Fault<(typeof own)[number]>;

export const usualFaults = 'kill=10,term=5,reshard=3,alert-store,object-store,snapshot-store,zombie,reload';

/** poison.ts waits for the one dead letter of a record that killed. */
export const parseFaults: (text: string) => FraudFault[] = faultListOf(own, 'poison');
