import { type Kind, Unsupported } from './kind.ts';
import { assignerKinds } from './kinds/assigners.ts';
import { beamPane } from './kinds/beam-pane.ts';
import { groupingKinds } from './kinds/grouping.ts';
import { invalid } from './kinds/invalid.ts';
import { operatorKinds } from './kinds/operator-runs.ts';
import { rowTimeKinds } from './kinds/row-time.ts';
import { sliceKinds } from './kinds/slices.ts';
import { streamTimeKinds } from './kinds/stream-time.ts';
import { watermarkKinds } from './kinds/watermarks.ts';
import type { Vector } from './vector-file.ts';

const kinds: ReadonlyMap<string, Kind> = new Map(
  Object.entries({
    ...assignerKinds,
    ...sliceKinds,
    ...groupingKinds,
    ...watermarkKinds,
    ...streamTimeKinds,
    ...operatorKinds,
    ...rowTimeKinds,
    invalid,
    'beam-pane': beamPane,
  }),
);

const outOfScope: ReadonlyMap<string, string> = new Map([['cep', 'pattern matching is not in scope']]);

/** `ok` null: neither true nor false, for the reason given. */
export interface VectorOutcome {
  readonly id: string;
  readonly ok: boolean | null;
  readonly got?: unknown;
  readonly error?: string;
  readonly unsupported?: string;
}

/** Runs a vector through the public interface of services/lib/windows. Never throws: what the library throws is a failure. */
export function runVector(vector: Vector): VectorOutcome {
  const { id } = vector;
  const kind = kinds.get(vector.kind);
  if (kind === undefined) return { id, ok: null, unsupported: outOfScope.get(vector.kind) ?? `unknown kind '${vector.kind}'` };
  try {
    const { got, ok } = kind(vector);
    return { id, ok, got };
  } catch (error) {
    if (error instanceof Unsupported) return { id, ok: null, unsupported: error.message };
    return { id, ok: false, error: error instanceof Error ? error.message : String(error) };
  }
}
