import { UsageError } from '../../cli/flags.ts';
import type { VectorChoice } from '../flags.ts';
import { runVector, type VectorOutcome } from './run.ts';
import { readVectors, type Vector } from './vector-file.ts';

/** Returns the exit code. Throws UsageError for a file that cannot be used. */
export async function runVectors({ file, only, list, json }: VectorChoice, print: (line: string) => void): Promise<number> {
  const vectors = await readVectors(file);
  const selected = vectors.filter(({ id }) => only?.test(id) ?? true);
  if (selected.length === 0) throw new UsageError(`--only ${String(only)} fits none of the ${vectors.length} vectors`);
  if (list) {
    for (const { id, kind, source } of selected) print(json ? JSON.stringify({ id, kind, source }) : `${id} (${kind})\n    ${source}`);
    return 0;
  }
  const tally = { passed: 0, failed: 0, unsupported: 0 };
  for (const vector of selected) {
    const outcome = runVector(vector);
    tally[outcome.ok === null ? 'unsupported' : outcome.ok ? 'passed' : 'failed'] += 1;
    print(json ? JSON.stringify(outcome) : textLine(outcome, vector));
  }
  const { passed, failed, unsupported } = tally;
  print(json ? JSON.stringify({ type: 'summary', ...tally }) : `\n${passed} passed, ${failed} failed, ${unsupported} unsupported`);
  return failed > 0 ? 1 : 0;
}

function textLine({ id, ok, got, error, unsupported }: VectorOutcome, { expect, lateTs }: Vector): string {
  if (ok === null) return `  -     ${id} (${unsupported})`;
  if (ok) return `  ok    ${id}`;
  const wanted = JSON.stringify(lateTs === undefined ? expect : { fired: expect, lateTs });
  return `  FAIL  ${id}\n          expected ${wanted}\n          got      ${error ?? JSON.stringify(got)}`;
}
