/** A value on its way to the wire that may be what no encoder would write: members twice, texts that are no UTF-8. */
export type Node =
  | string
  | number
  | boolean
  | null
  | Buffer
  | Raw
  | Moment
  | readonly Node[]
  | { readonly members: readonly (readonly [name: string | Raw, value: Node])[] };

/** Bytes that stand in the body as they are. */
export class Raw {
  readonly json: string | Buffer;
  readonly cbor: Buffer;

  constructor(json: string | Buffer, cbor: Buffer) {
    this.json = json;
    this.cbor = cbor;
  }
}

/** A timestamp: seconds in JSON, tag 1 of milliseconds in CBOR. */
export class Moment {
  readonly epochMs: number;

  constructor(epochMs: number) {
    this.epochMs = epochMs;
  }
}

export const isList = (node: Node): node is readonly Node[] => Array.isArray(node);
export const isMembers = (node: Node): node is Extract<Node, { members: unknown }> =>
  typeof node === 'object' && node !== null && 'members' in node;

export function toJson(node: Node): Buffer {
  const parts: Buffer[] = [];
  const write = (value: Node | string): void => {
    if (value instanceof Raw) parts.push(Buffer.from(value.json as string));
    else if (value instanceof Moment) parts.push(Buffer.from(String(value.epochMs / 1_000)));
    else if (Buffer.isBuffer(value)) parts.push(Buffer.from(`"${value.toString('base64')}"`));
    else if (isList(value)) {
      parts.push(Buffer.from('['));
      value.forEach((item, i) => {
        if (i > 0) parts.push(Buffer.from(','));
        write(item);
      });
      parts.push(Buffer.from(']'));
    } else if (isMembers(value)) {
      parts.push(Buffer.from('{'));
      value.members.forEach(([name, member], i) => {
        if (i > 0) parts.push(Buffer.from(','));
        write(name);
        parts.push(Buffer.from(':'));
        write(member);
      });
      parts.push(Buffer.from('}'));
    } else parts.push(Buffer.from(JSON.stringify(value)));
  };
  write(node);
  return Buffer.concat(parts);
}

export function toCbor(node: Node): Buffer {
  const parts: Buffer[] = [];
  const write = (value: Node): void => {
    if (value instanceof Raw) parts.push(value.cbor);
    else if (value instanceof Moment) parts.push(Buffer.from([0xc1]), double(value.epochMs));
    else if (Buffer.isBuffer(value)) parts.push(head(2, value.length), value);
    else if (isList(value)) {
      parts.push(head(4, value.length));
      value.forEach(write);
    } else if (isMembers(value)) {
      parts.push(head(5, value.members.length));
      for (const [name, member] of value.members) {
        write(name);
        write(member);
      }
    } else if (typeof value === 'string') {
      const text = Buffer.from(value);
      parts.push(head(3, text.length), text);
    } else if (typeof value === 'number') parts.push(Number.isInteger(value) && value >= 0 ? head(0, value) : double(value));
    else parts.push(Buffer.from([value === null ? 0xf6 : value ? 0xf5 : 0xf4]));
  };
  write(node);
  return Buffer.concat(parts);
}

/** The first bytes of a CBOR value of a kind (major type), with a length or number that may be a lie. */
export function head(major: number, argument: number): Buffer {
  const bytes = Buffer.alloc(9);
  bytes[0] = (major << 5) | 27;
  bytes.writeBigUInt64BE(BigInt(Math.min(argument, 2 ** 53)), 1);
  return argument < 24 ? Buffer.from([(major << 5) | argument]) : bytes;
}

function double(value: number): Buffer {
  const bytes = Buffer.alloc(9);
  bytes[0] = 0xfb;
  bytes.writeDoubleBE(value, 1);
  return bytes;
}
