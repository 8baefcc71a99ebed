import { type Fault, faultListOf } from '../fault-list.ts';

type LoaderFaultKind = 'warehouse' | 'object-store' | 'zombie' | 'refused';
export type LoaderFault = Fault<LoaderFaultKind>;

export const usualFaults = 'kill,term,reshard,warehouse,object-store,zombie,refused';

export const parseFaults = faultListOf<LoaderFaultKind>({
  kill: 3,
  child: 1,
  jvm: 1,
  task: 1,
  term: 1,
  reshard: 2,
  warehouse: 1,
  'object-store': 1,
  zombie: 1,
  refused: 1,
});
