import type { RulesFile } from '../../services/lib/rules/rules-file.ts';
import { Backtest } from '../backtest/backtest.ts';
import { openEvents } from '../backtest/event-file.ts';
import { linesOf } from '../backtest/lines.ts';
import type { Summary } from '../backtest/summary.ts';

/** Both rules over a file of events: the summary of a backtest, without a difference where those in force are unknown. Rejects when there is no such file, or no event in it. */
export async function compareOver(path: string, rules: RulesFile, inForce: RulesFile | undefined, signal: AbortSignal): Promise<Summary> {
  const { chunks } = await openEvents(path, process.stdin, signal);
  const backtest = new Backtest(rules, { counts: [1], reshardAt: [], restartEvery: undefined }, inForce);
  for await (const { lines } of linesOf(chunks)) {
    if (signal.aborted) break;
    for (const line of lines) backtest.read(line);
  }
  const summary = backtest.summary(signal.aborted);
  if (!signal.aborted && summary.events === 0) throw new Error(`--events ${path}: no line is an event`);
  return summary;
}
