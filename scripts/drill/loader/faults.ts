import { type Fault, faultListOf } from '../fault-list.ts';

const own = ['calm', 'warehouse', 'object-store', 'zombie', 'missing', 'refused'] as const;
export type LoaderFault = Fault<(typeof own)[number]>;

export const usualFaults = 'kill=3,term,reshard,warehouse,object-store,zombie,missing,refused';

/** One event is chosen in a run, and all of its lines are refused from then on. */
export const parseFaults: (text: string) => LoaderFault[] = faultListOf(own, 'refused');
