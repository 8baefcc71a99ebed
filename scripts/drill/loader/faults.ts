import { type Fault, faultListOf } from '../fault-list.ts';

type LoaderFaultKind = 'warehouse' | 'object-store' | 'zombie' | 'missing' | 'refused';
export type LoaderFault = Fault<LoaderFaultKind>;

export const usualFaults = 'kill,term,reshard,warehouse,object-store,zombie,missing,refused';

export const parseFaults = faultListOf<LoaderFaultKind>({
  kill: 3,
  child: 1,
  jvm: 1,
  task: 1,
  term: 1,
  reshard: 1,
  warehouse: 1,
  'object-store': 1,
  zombie: 1,
  missing: 1,
  refused: 1,
});
