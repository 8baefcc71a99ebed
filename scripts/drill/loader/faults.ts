import { type Fault, faultListOf } from '../fault-list.ts';

type LoaderFaultKind = 'calm' | 'warehouse' | 'object-store' | 'zombie' | 'missing' | 'refused';
export type LoaderFault = Fault<LoaderFaultKind>;

export const usualFaults = 'kill=3,term,reshard,warehouse,object-store,zombie,missing,refused';

const faultsOf = faultListOf<LoaderFaultKind>({
  kill: 1,
  child: 1,
  jvm: 1,
  task: 1,
  term: 1,
  reshard: 1,
  calm: 1,
  warehouse: 1,
  'object-store': 1,
  zombie: 1,
  missing: 1,
  refused: 1,
});

/** Each once where no number is given. Throws what was expected. */
export function parseFaults(text: string): LoaderFault[] {
  const faults = faultsOf(text);
  // One event is chosen in a run, and all of its lines are refused from then on.
  if (faults.filter(({ kind }) => kind === 'refused').length > 1) throw new Error('refused: once in a run');
  return faults;
}
