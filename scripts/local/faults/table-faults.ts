import { createRandom } from '../../generate/random.ts';

export const tableFaultKinds = ['error', 'throttle', 'reset', 'lost'] as const;
/** What happens to a call; README.md says what caller and table see of each. */
export type TableFaultKind = (typeof tableFaultKinds)[number];

/** All calls that name the table fail, each in one of these ways. */
export interface TableFault {
  readonly table: string;
  readonly kinds: readonly TableFaultKind[];
}

/** Which calls fail, and how. Drawn from a seed, so that the same calls meet the same faults. */
export class TableFaults {
  readonly #seed: number;
  #fault: TableFault | undefined;
  #random: ReturnType<typeof createRandom> | undefined;
  #struck = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Calls that failed since the fault was set. */
  get struck(): number {
    return this.#struck;
  }

  get active(): boolean {
    return this.#fault !== undefined;
  }

  set(fault: TableFault | undefined): void {
    this.#fault = fault;
    this.#random = createRandom(this.#seed, 'table faults');
    if (fault !== undefined) this.#struck = 0;
  }

  /** Of a call with this body (JSON); undefined: it passes. */
  fateOf(body: string): TableFaultKind | undefined {
    if (this.#fault === undefined || !namesTable(body, this.#fault.table)) return undefined;
    this.#struck++;
    return this.#random?.pick(this.#fault.kinds);
  }
}

/** Under `TableName`, at any depth, or as a key of `RequestItems` (the batch calls); as a name or an ARN. */
export function namesTable(body: string, table: string): boolean {
  let request: unknown;
  try {
    request = JSON.parse(body);
  } catch {
    return false; // what is no request is refused behind the proxy
  }
  const isTable = (name: unknown): boolean => typeof name === 'string' && (name === table || name.endsWith(`:table/${table}`));
  const names = (value: unknown): boolean => {
    if (typeof value !== 'object' || value === null) return false;
    return Object.entries(value).some(
      ([key, inner]) =>
        (key === 'TableName' && isTable(inner)) ||
        (key === 'RequestItems' && typeof inner === 'object' && inner !== null && Object.keys(inner).some(isTable)) ||
        names(inner),
    );
  };
  return names(request);
}
