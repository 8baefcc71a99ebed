import { once } from 'node:events';
import { open } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import type { RulesFile } from '../../services/lib/rules/rules-file.ts';
import { maxRulesBytes, parseRulesText } from '../../services/lib/rules/rules-text.ts';
import { cannotRead } from '../cli/file-error.ts';
import { Backtest } from './backtest.ts';
import { openEvents } from './event-file.ts';
import type { Order } from './flags.ts';
import { linesOf } from './lines.ts';
import { Progress, type ProgressStream } from './progress.ts';
import { summaryText } from './summary.ts';

/**
 * Reads the rules, then the events, and prints; when the signal is aborted, the summary of what was read so far. Rejects when a file
 * cannot be read, rules are invalid, or, after the summary, when there was no event.
 */
export async function run(order: Order, signal: AbortSignal, stdin: Readable, out: Writable, note: ProgressStream): Promise<void> {
  const rules = await readRules('--rules', order.rules, order.time);
  const against = order.against === undefined ? undefined : await readRules('--against', order.against, order.time);
  const { size, chunks } = await openEvents(order.events, stdin, signal);
  let bytes = 0;
  const backtest = new Backtest(rules, order.plan, against);
  const progress = new Progress(note, Date.now, size);
  const at = () => ({ bytes, events: backtest.events, alerts: backtest.alerts });
  for await (const { lines, bytes: read } of linesOf(chunks)) {
    if (signal.aborted) break;
    bytes += read;
    const texts = lines.flatMap((line) => backtest.read(line)).map((found) => `${JSON.stringify(found)}\n`);
    if (texts.length > 0 && !out.write(texts.join(''))) await once(out, 'drain');
    progress.show(at());
  }
  progress.show(at(), true);
  const summary = backtest.summary(signal.aborted);
  out.write(order.json ? `${JSON.stringify(summary)}\n` : summaryText(summary));
  // Also without any line: a pipe whose first command failed must not look like a file without fraud.
  if (!signal.aborted && summary.events === 0) {
    throw new Error(`--events ${order.events}: ${summary.lines === 0 ? 'there are no lines' : 'no line is an event'}`);
  }
}

async function readRules(flag: string, path: string, time: Order['time']): Promise<RulesFile> {
  const rules = parsed(flag, path, await readRulesBytes(flag, path));
  return { ...rules, time: { ...rules.time, ...time } };
}

function parsed(flag: string, path: string, bytes: Buffer): RulesFile {
  try {
    return parseRulesText(bytes);
  } catch (error) {
    throw new Error(`${flag} ${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** At most one byte more than a rules file may have is read: a wrong file may be of any size. Rejects when it cannot be read. */
export const readRulesBytes = (flag: string, path: string): Promise<Buffer> => headOf(flag, path, maxRulesBytes + 1);

async function headOf(flag: string, path: string, maxBytes: number): Promise<Buffer> {
  try {
    const file = await open(path);
    try {
      const buffer = Buffer.alloc(maxBytes);
      let length = 0;
      for (;;) {
        const { bytesRead } = await file.read(buffer, length, maxBytes - length);
        length += bytesRead;
        if (bytesRead === 0) return buffer.subarray(0, length);
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    throw cannotRead(flag, path, error);
  }
}
