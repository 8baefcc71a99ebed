import type { Input } from './input.ts';

const quote = 0x22;
const comma = 0x2c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

const recordsName = Buffer.from('"Records":[');
const topNames = ['StreamName', 'StreamARN'].map(member);
const recordNames = ['Data', 'PartitionKey', 'ExplicitHashKey'].map(member);
/** No escapes and no control characters: the text between the quotes is the value. */
const plain = /^[ !#-[\]-~]*$/;

interface Member {
  readonly name: string;
  readonly bytes: Buffer;
}

function member(name: string): Member {
  return { name, bytes: Buffer.from(`"${name}":"`) };
}

/**
 * Reads a PutRecords body in the compact form that SDKs write, ASCII, straight from the bytes: JSON.parse on a text of
 * 700 KB costs about as much as all the rest of the request. Undefined means anything else, and JSON.parse decides;
 * what is answered equals JSON.parse's value, but for the Data texts, which are checked when they are decoded.
 */
export function readPutRecords(body: Buffer): Input | undefined {
  return body[0] === openBrace ? new PutReader(body).input() : undefined;
}

class PutReader {
  readonly #body: Buffer;
  #at = 1;

  constructor(body: Buffer) {
    this.#body = body;
  }

  input(): Input | undefined {
    const input: Record<string, unknown> = {};
    do {
      const name = this.#is(recordsName) ? 'Records' : this.#name(topNames);
      const value = name === 'Records' ? this.#records() : name && this.#text(true);
      if (name === undefined || value === undefined) return undefined;
      input[name] = value;
    } while (this.#take(comma));
    return this.#take(closeBrace) && this.#at === this.#body.length ? input : undefined;
  }

  #records(): Input[] | undefined {
    const records: Input[] = [];
    do {
      const record = this.#record();
      if (record === undefined) return undefined;
      records.push(record);
    } while (this.#take(comma));
    return this.#take(closeBracket) ? records : undefined;
  }

  #record(): Input | undefined {
    if (!this.#take(openBrace)) return undefined;
    const record: Record<string, string> = {};
    do {
      const name = this.#name(recordNames);
      const value = name && this.#text(name !== 'Data');
      if (name === undefined || value === undefined) return undefined;
      record[name] = value;
    } while (this.#take(comma));
    return this.#take(closeBrace) ? record : undefined;
  }

  /** The text up to the next quote, which is passed. */
  #text(checked: boolean): string | undefined {
    const end = this.#body.indexOf(quote, this.#at);
    if (end < 0) return undefined;
    const text = this.#body.toString('latin1', this.#at, end);
    this.#at = end + 1;
    return checked && !plain.test(text) ? undefined : text;
  }

  #name(members: readonly Member[]): string | undefined {
    for (const { name, bytes } of members) if (this.#is(bytes)) return name;
    return undefined;
  }

  #is(token: Buffer): boolean {
    const { length } = token;
    for (let i = 0; i < length; i++) if (this.#body[this.#at + i] !== token[i]) return false;
    this.#at += length;
    return true;
  }

  #take(byte: number): boolean {
    if (this.#body[this.#at] !== byte) return false;
    this.#at += 1;
    return true;
  }
}
