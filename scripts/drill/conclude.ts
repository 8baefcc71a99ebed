import { failuresText, resultText } from '../demo/report.ts';
import { settle } from '../demo/settle.ts';
import { collectEvidence, type Planted, verdictOf } from '../demo/verdict.ts';
import type { Evidence } from '../judge/evidence.ts';
import type { Result } from '../judge/judge.ts';
import type { Session } from './session.ts';

export interface Conclusion {
  readonly evidence: Evidence;
  readonly result: Result;
  /** Result and failures, for people. */
  readonly text: string;
}

/** Ends the traffic, waits until every consumer is done with it, and judges all that is left behind. */
export async function conclude({ system, traffic, flags, say, signal }: Session, planted: Planted = {}): Promise<Conclusion> {
  await traffic.stop();
  say('sending is over; waiting until every consumer is done with it');
  const log = traffic.log.records;
  const settled = await settle(system, log, flags['drain-timeout'], signal);
  say('judging');
  const evidence = await collectEvidence(system, log, settled, planted);
  const { result, failures } = verdictOf(evidence, settled);
  return { evidence, result, text: `${resultText(result)}${failures.length === 0 ? '' : `${failuresText(failures)}\n`}` };
}
