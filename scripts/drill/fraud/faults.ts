import { type Fault, faultListOf } from '../fault-list.ts';

type FraudFaultKind = 'alert-store' | 'object-store' | 'snapshot-store' | 'zombie' | 'reload' | 'poison';
export type FraudFault = Fault<FraudFaultKind>;

export const usualFaults = 'kill=10,term=5,reshard=3,alert-store,object-store,snapshot-store,zombie,reload';

const faultsOf = faultListOf<FraudFaultKind>({
  kill: 1,
  child: 1,
  jvm: 1,
  task: 1,
  term: 1,
  reshard: 1,
  'alert-store': 1,
  'object-store': 1,
  'snapshot-store': 1,
  zombie: 1,
  reload: 1,
  poison: 1,
});

/** Each once where no number is given. Throws what was expected. */
export function parseFaults(text: string): FraudFault[] {
  const faults = faultsOf(text);
  // poison.ts waits for the one dead letter of a record that killed.
  if (faults.filter(({ kind }) => kind === 'poison').length > 1) throw new Error('poison: once in a run');
  return faults;
}
