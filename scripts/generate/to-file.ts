import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import type { PlannedRecord } from './planned-record.ts';

export interface FileFigures {
  readonly written: number;
  /** Records that are no line of text: not UTF-8, empty. */
  readonly leftOut: number;
}

/** One record a line. `-` is standard output. Rejects with what the file system said. */
export async function writeRecords(records: Iterable<PlannedRecord>, file: string, signal: AbortSignal): Promise<FileFigures> {
  const out: Writable = file === '-' ? process.stdout : createWriteStream(file);
  const readerGone = new AbortController(); // `… | head` is no failure
  const failed = new Promise<never>((_, reject) =>
    out.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EPIPE' ? readerGone.abort() : reject(error))),
  );
  failed.catch(() => undefined); // it is raced below, and may come between two waits
  const drained = () => once(out, 'drain', { signal: readerGone.signal }).catch(() => undefined);
  let written = 0;
  let leftOut = 0;
  for (const { data } of records) {
    if (signal.aborted || readerGone.signal.aborted) break;
    if (!isLine(data)) {
      leftOut++;
      continue;
    }
    written++;
    if (!out.write(Buffer.concat([data, newline]))) await Promise.race([drained(), failed]);
  }
  if (out !== process.stdout) await Promise.race([new Promise<void>((resolve) => out.end(resolve)), failed]);
  return { written, leftOut };
}

const newline = Buffer.from('\n');

function isLine(data: Buffer): boolean {
  return data.length > 0 && !data.includes(10) && Buffer.from(data.toString('utf8')).equals(data);
}
