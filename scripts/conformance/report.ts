import type { Outcome } from '../../test/conformance/kinesis/check.ts';

export interface Tally {
  /** With those that differ as listed. */
  passed: number;
  /** Of the passed: those that differ as the target's list says. */
  listed: number;
  failed: number;
  unsupported: number;
}

/** Prints outcomes as they come, for people or as JSON lines, and counts them. */
export class Report {
  readonly tally: Tally = { passed: 0, listed: 0, failed: 0, unsupported: 0 };
  readonly #json: boolean;
  readonly #print: (line: string) => void;

  constructor(json: boolean, print: (line: string) => void) {
    this.#json = json;
    this.#print = print;
  }

  tell(outcome: Outcome): void {
    if ('unsupported' in outcome) this.tally.unsupported += 1;
    else this.tally[outcome.ok ? 'passed' : 'failed'] += 1;
    if ('ok' in outcome && outcome.ok && outcome.differs !== undefined) this.tally.listed += 1;
    this.#print(this.#json ? jsonLine(outcome) : textLine(outcome));
  }

  /** `selected`: checks that were to run. */
  summary(selected: number): void {
    const { passed, listed, failed, unsupported } = this.tally;
    const notRun = selected - passed - failed - unsupported;
    const differing = listed === 0 ? '' : ` (${listed} of them differ as listed)`;
    const stopped = notRun === 0 ? '' : `; stopped: ${notRun} not run`;
    const text = `\n${passed} passed${differing}, ${failed} failed, ${unsupported} not for this target${stopped}`;
    this.#print(this.#json ? JSON.stringify({ type: 'summary', ...this.tally, ...(notRun === 0 ? {} : { notRun }) }) : text);
  }
}

/** A check that the target cannot run is neither true nor false: it has no `ok`. */
function jsonLine(outcome: Outcome): string {
  return JSON.stringify('unsupported' in outcome ? { id: outcome.id, unsupported: outcome.unsupported } : outcome);
}

function textLine(outcome: Outcome): string {
  if ('unsupported' in outcome) return `  -     ${outcome.id} (needs: ${outcome.unsupported.join(', ')})`;
  if (outcome.ok) return outcome.differs === undefined ? `  ok    ${outcome.id}` : `  list  ${outcome.id} (listed: ${outcome.differs})`;
  return `  FAIL  ${outcome.id}\n          ${outcome.error.replaceAll('\n', '\n          ')}`;
}
