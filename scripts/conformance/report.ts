import type { Outcome } from '../../test/conformance/kinesis/check.ts';

export interface Tally {
  passed: number;
  failed: number;
  unsupported: number;
}

/** Prints outcomes as they come, for people or as JSON lines, and counts them. */
export class Report {
  readonly tally: Tally = { passed: 0, failed: 0, unsupported: 0 };
  readonly #json: boolean;
  readonly #print: (line: string) => void;

  constructor(json: boolean, print: (line: string) => void) {
    this.#json = json;
    this.#print = print;
  }

  tell(outcome: Outcome): void {
    if ('unsupported' in outcome) this.tally.unsupported += 1;
    else this.tally[outcome.ok ? 'passed' : 'failed'] += 1;
    this.#print(this.#json ? jsonLine(outcome) : textLine(outcome));
  }

  summary(): void {
    const { passed, failed, unsupported } = this.tally;
    const text = `\n${passed} passed, ${failed} failed, ${unsupported} not for this target`;
    this.#print(this.#json ? JSON.stringify({ type: 'summary', ...this.tally }) : text);
  }
}

/** A check that the target cannot run is neither true nor false: it has no `ok`. */
function jsonLine(outcome: Outcome): string {
  return JSON.stringify('unsupported' in outcome ? { id: outcome.id, unsupported: outcome.unsupported } : outcome);
}

function textLine(outcome: Outcome): string {
  if ('unsupported' in outcome) return `  -     ${outcome.id} (needs: ${outcome.unsupported.join(', ')})`;
  return outcome.ok ? `  ok    ${outcome.id}` : `  FAIL  ${outcome.id}\n          ${outcome.error.replaceAll('\n', '\n          ')}`;
}
