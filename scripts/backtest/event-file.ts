import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { addAbortSignal, type Readable } from 'node:stream';
import { cannotRead } from '../cli/file-error.ts';

const chunkBytes = 262_144;
const shownBytes = 1_024;
const gzipMagic = Buffer.from([0x1f, 0x8b]);
const jsonArray = /^(?:\u00ef\u00bb\u00bf)?\s*\[/; // bytes as latin1: a byte order mark may stand in front

export interface EventFile {
  /** In bytes, where it is known. */
  readonly size: number | undefined;
  /** End early when the signal is aborted, also where a pipe stands still. Reject with what is wrong with the file. */
  readonly chunks: AsyncIterable<Buffer>;
}

/** `-` is standard input. Rejects when there is no such file. */
export async function openEvents(path: string, stdin: Readable, signal: AbortSignal): Promise<EventFile> {
  if (path === '-') return { size: undefined, chunks: chunksOf(stdin, path, signal) };
  const { size } = await stat(path).catch((error: unknown) => {
    throw cannotRead('--events', path, error);
  });
  return { size, chunks: chunksOf(createReadStream(path, { highWaterMark: chunkBytes }), path, signal) };
}

async function* chunksOf(input: Readable, path: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  let isFirst = true;
  for await (const chunk of readAll(addAbortSignal(signal, input), path, signal)) {
    const other = isFirst ? otherForm(chunk, path) : undefined;
    if (other !== undefined) throw new Error(`--events ${path}: ${other}`);
    isFirst = false;
    yield chunk;
  }
}

async function* readAll(input: Readable, path: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of input) yield chunk as Buffer;
  } catch (error) {
    if (!signal.aborted) throw cannotRead('--events', path, error);
  }
}

/** A form that the first bytes give away, in which no line would be an event, and how to make lines of it. */
function otherForm(first: Buffer, path: string): string | undefined {
  const file = path === '-' ? 'FILE' : path;
  if (first.subarray(0, gzipMagic.length).equals(gzipMagic)) {
    return `it is compressed by gzip; unzip it on the way: gzip -dc ${file} | npm run backtest -- --rules RULES --events -`;
  }
  if (jsonArray.test(first.toString('latin1', 0, shownBytes))) {
    return `it is a JSON array; events come as one JSON document per line: jq -c '.[]' ${file} > events.ndjson`;
  }
  return undefined;
}
