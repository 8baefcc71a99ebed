import { type Fault, faultListOf } from '../fault-list.ts';

type FraudFaultKind = 'alert-store' | 'object-store' | 'snapshot-store' | 'zombie' | 'reload' | 'poison';
export type FraudFault = Fault<FraudFaultKind>;

export const usualFaults = 'kill,term,reshard,alert-store,object-store,snapshot-store,zombie,reload';

export const parseFaults = faultListOf<FraudFaultKind>({
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
});
