import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import type { RulesFile } from '../../services/lib/rules/rules-file.ts';
import { maxRulesBytes, parseRulesText } from '../../services/lib/rules/rules-text.ts';
import { Backtest } from './backtest.ts';
import type { Order } from './flags.ts';
import { linesOf } from './lines.ts';
import { Progress } from './progress.ts';
import { summaryText } from './summary.ts';

const chunkBytes = 262_144;

/** Reads the rules, then the events, and prints. Rejects when a file cannot be read or rules are invalid. */
export async function run(order: Order, signal: AbortSignal, stdin: Readable, out: Writable, note: NodeJS.WriteStream): Promise<void> {
  const rules = await readRules(order.rules, order.time);
  const against = order.against === undefined ? undefined : await readRules(order.against, order.time);
  const isFile = order.events !== '-';
  const size = isFile ? await sizeOf(order.events) : undefined;
  const input = isFile ? createReadStream(order.events, { highWaterMark: chunkBytes }) : stdin;
  let bytes = 0;
  const backtest = new Backtest(rules, order.plan, against);
  const progress = new Progress(note, Date.now, size);
  const at = () => ({ bytes, events: backtest.events, alerts: backtest.alerts });
  for await (const { lines, bytes: read } of linesOf(input)) {
    if (signal.aborted) break;
    bytes += read;
    const texts = lines.flatMap((line) => backtest.read(line)).map((found) => `${JSON.stringify(found)}\n`);
    if (texts.length > 0 && !out.write(texts.join(''))) await once(out, 'drain');
    progress.show(at());
  }
  progress.show(at(), true);
  const summary = backtest.summary(signal.aborted);
  out.write(order.json ? `${JSON.stringify(summary)}\n` : summaryText(summary));
}

/** At most one byte more than a rules file may have is read: a wrong file may be of any size. */
async function readRules(path: string, time: Order['time']): Promise<RulesFile> {
  const file = await open(path).catch((error: unknown) => cannotRead(path, error));
  try {
    const buffer = Buffer.alloc(maxRulesBytes + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length).catch((error: unknown) => cannotRead(path, error));
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    const rules = parseRulesText(buffer.subarray(0, length));
    return { ...rules, time: { ...rules.time, ...time } };
  } catch (error) {
    throw error instanceof Error && !error.message.includes(path) ? new Error(`${path}: ${error.message}`, { cause: error }) : error;
  } finally {
    await file.close();
  }
}

async function sizeOf(path: string): Promise<number> {
  const { size } = await stat(path).catch((error: unknown) => cannotRead(path, error));
  return size;
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'not allowed',
};

function cannotRead(path: string, cause: unknown): never {
  const { code, message } = cause as NodeJS.ErrnoException;
  throw new Error(`cannot read ${path}: ${reasons[code ?? ''] ?? message}`, { cause });
}
