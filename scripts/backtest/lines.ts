/** 1 MiB. Far above a BookingEvent, whose largest part, `extra`, may take 64 KiB. What is longer is never held in memory. */
export const maxLineBytes = 1_048_576;

export type Line =
  /** Without its end. Only valid until the next line is asked for. */
  { readonly kind: 'line'; readonly data: Buffer } | { readonly kind: 'too-long' };

/** The lines that end in one chunk of so many bytes. */
export interface Batch {
  readonly lines: Line[];
  readonly bytes: number;
}

const newline = 10;
const carriageReturn = 13;
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * The lines of a file of any size in constant memory: a chunk of the stream and at most one line. Lines end with LF or CRLF, the last
 * one may end with the file. The batches are those of the chunks, so that the caller waits once per chunk and not once per line.
 */
export async function* linesOf(input: AsyncIterable<Buffer>): AsyncGenerator<Batch> {
  let rest: Buffer[] = [];
  let restBytes = 0;
  let isFirst = true;
  for await (const chunk of input) {
    const lines: Line[] = [];
    let from = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, from)) {
      restBytes += end - from;
      if (restBytes <= maxLineBytes) rest.push(chunk.subarray(from, end));
      add(lines);
      from = end + 1;
    }
    const left = chunk.length - from;
    restBytes += left;
    if (restBytes > maxLineBytes) rest = [];
    else if (left > 0) rest.push(chunk.subarray(from));
    yield { lines, bytes: chunk.length };
  }
  const last: Line[] = [];
  if (restBytes > 0) add(last);
  yield { lines: last, bytes: 0 };

  function add(lines: Line[]): void {
    if (restBytes > maxLineBytes) lines.push({ kind: 'too-long' });
    else lines.push({ kind: 'line', data: trimmed(rest.length === 1 ? (rest[0] as Buffer) : Buffer.concat(rest)) });
    rest = [];
    restBytes = 0;
  }

  function trimmed(data: Buffer): Buffer {
    const start = isFirst && data.subarray(0, byteOrderMark.length).equals(byteOrderMark) ? byteOrderMark.length : 0;
    isFirst = false;
    return data.subarray(start, data.at(-1) === carriageReturn ? -1 : undefined);
  }
}
