import { StringDecoder } from 'node:string_decoder';
import { createGunzip } from 'node:zlib';
import { PlatformError } from '../process/errors.ts';
import { nullField } from '../warehouse/csv.ts';

/** One line of a staged file, a value per column; null where `\N` stood. */
export type StagedRow = readonly (string | null)[];

const quote = 0x22;
const comma = 0x2c;
const lineFeed = 0x0a;

/** Redshift holds no larger row (developer guide, COPY: 4 MB), so none was staged; beyond it a quote is missing. */
const maxRowLength = 4 * 1_024 * 1_024;
/** Of unzipped CSV that is taken apart at one go, some milliseconds' worth: between chunks the event loop runs. */
const chunkBytes = 65_536;

/** Takes apart what lib/warehouse/csv.ts writes, piece by piece. Throws WAREHOUSE_MISMATCH where it is something else. */
export class StagedRowReader {
  #text = '';
  #at = 0;

  /** The rows that are complete with this piece. */
  push(piece: string): StagedRow[] {
    this.#text = this.#text.slice(this.#at) + piece;
    this.#at = 0;
    const rows: StagedRow[] = [];
    for (let row = this.#row(); row !== undefined; row = this.#row()) rows.push(row);
    if (this.#text.length - this.#at > maxRowLength) throw malformed(`a row is longer than ${maxRowLength} characters`);
    return rows;
  }

  /** After the last piece. */
  end(): void {
    if (this.#at < this.#text.length) throw malformed('it ends inside a row');
  }

  /** Undefined, and nothing taken, while the row is not complete. */
  #row(): StagedRow | undefined {
    const text = this.#text;
    const row: (string | null)[] = [];
    let at = this.#at;
    for (;;) {
      const quoted = text.charCodeAt(at) === quote;
      const end = quoted ? endOfQuoted(text, at) : endOfPlain(text, at);
      // What follows decides whether a quote closes, so it must be there.
      if (end === undefined || end >= text.length) return undefined;
      row.push(quoted ? unquoted(text.slice(at + 1, end - 1)) : plain(text.slice(at, end)));
      const separator = text.charCodeAt(end);
      at = end + 1;
      if (separator === comma) continue;
      if (separator !== lineFeed) throw malformed('a quote is followed by neither a comma nor a line break');
      this.#at = at;
      return row;
    }
  }
}

const unquoted = (raw: string): string => (raw.includes('"') ? raw.replaceAll('""', '"') : raw);
const plain = (raw: string): string | null => (raw === nullField ? null : raw);

function endOfQuoted(text: string, start: number): number | undefined {
  for (let from = start + 1; ; ) {
    const close = text.indexOf('"', from);
    if (close < 0 || close + 1 >= text.length) return undefined;
    if (text.charCodeAt(close + 1) !== quote) return close + 1;
    from = close + 2;
  }
}

function endOfPlain(text: string, start: number): number | undefined {
  for (let at = start; at < text.length; at++) {
    const c = text.charCodeAt(at);
    if (c === comma || c === lineFeed) return at;
  }
  return undefined;
}

const malformed = (why: string): PlatformError => new PlatformError('WAREHOUSE_MISMATCH', `not a staged file: ${why}`);

/** The rows of a staged CSV.gz object, as many at a time as a piece of it completes. Rejects with WAREHOUSE_MISMATCH. */
export async function* stagedRows(body: Buffer): AsyncIterable<readonly StagedRow[]> {
  const reader = new StagedRowReader();
  const decoder = new StringDecoder('utf8');
  const gunzip = createGunzip({ chunkSize: chunkBytes });
  gunzip.end(body);
  try {
    for await (const chunk of gunzip) yield reader.push(decoder.write(chunk as Buffer));
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code;
    throw code?.startsWith('Z_') ? malformed(`it cannot be unzipped (${code})`) : thrown;
  }
  reader.push(decoder.end());
  reader.end();
}
