import { checked, InvalidInput } from '../side/problems.ts';
import { type Fault, faultsSchemaFor } from './fault-schema.ts';
import { type Faults, FaultsRefused } from './faults.ts';

/** One fault or a list of them, checked whole; throws InvalidInput with every problem. */
function faultsIn(document: unknown): Fault[] {
  const faults = checked(faultsSchemaFor(document), document);
  return Array.isArray(faults) ? faults : [faults];
}

/** Sets all that a document holds, or none; answers their ids. Throws InvalidInput. */
export function setFaults(faults: Faults, document: unknown): string[] {
  try {
    return faults.set(faultsIn(document));
  } catch (error) {
    if (!(error instanceof FaultsRefused)) throw error;
    const { index, value, expected } = error;
    const path = index === undefined ? '' : Array.isArray(document) ? `[${index}].id` : 'id';
    throw new InvalidInput([{ path, value, expected }]);
  }
}
