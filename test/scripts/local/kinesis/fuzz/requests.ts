import { head, isList, isMembers, Moment, type Node, Raw, toCbor, toJson } from './node.ts';
import type { Random } from './random.ts';
import { type OperationShape, operationShapes, type Shape } from './schemas.ts';

export const json = 'application/x-amz-json-1.1';
export const cbor = 'application/x-amz-cbor-1.1';
const targetPrefix = 'Kinesis_20131202.';

export interface FuzzRequest {
  readonly target: string;
  readonly contentType: string;
  readonly body: Buffer;
}

/** What members of a name may hold so that an operation goes on with it: names that exist, tokens that the server gave. */
export type Plausible = Readonly<Record<string, readonly Node[]>>;

/** A request as the seed has it: about a third valid, the others wrong in their members, in their bytes, or altogether. */
export function requestOf(random: Random, plausible: Plausible): FuzzRequest {
  const contentType = random.of([json, cbor]);
  const operation = random.of(operationShapes);
  const target = `${targetPrefix}${operation.name}`;
  if (random.chance(0.03))
    return { target: random.of(wrongTargets(operation)), contentType, body: bodyOf(random, operation, plausible, contentType) };
  if (random.chance(0.03)) return { target, contentType: random.of(wrongTypes), body: bodyOf(random, operation, plausible, json) };
  return { target, contentType, body: bodyOf(random, operation, plausible, contentType) };
}

const wrongTargets = ({ name }: OperationShape): readonly string[] => [
  '',
  name,
  `Kinesis_20131202${name}`,
  `kinesis_20131202.${name}`,
  `DynamoDB_20120810.${name}`,
  `${targetPrefix}${name} `,
  `${targetPrefix}__proto__`,
  `${targetPrefix}constructor`,
  `${targetPrefix}toString`,
  `${targetPrefix}${'x'.repeat(4_000)}`,
];
const wrongTypes = ['', 'text/plain', 'application/json', 'application/cbor', `${json}x`, '__proto__', ';', `${json};charset=\u00ff`];

function bodyOf(random: Random, { input }: OperationShape, plausible: Plausible, contentType: string): Buffer {
  const encode = contentType === cbor ? toCbor : toJson;
  if (random.chance(0.05)) return random.bytes(random.below(300));
  let tree = valueOf(random, input, '', plausible, 0);
  const wrong = random.chance(0.4) ? 1 + random.below(3) : 0;
  for (let i = 0; i < wrong; i++) tree = spoilt(random, tree);
  let body = encode(tree);
  if (random.chance(0.2)) for (let i = 1 + random.below(3); i > 0; i--) body = mangled(random, body);
  return body;
}

/** Members that make most requests invalid, when they are there at all. */
const rarely: ReadonlySet<string> = new Set([
  'StreamId',
  'DryRun',
  'NextToken',
  'StreamModeDetails',
  'MaxRecordSizeInKiB',
  'WarmThroughputMiBps',
]);

function valueOf(random: Random, shape: Shape, name: string, plausible: Plausible, depth: number): Node {
  const known = plausible[name];
  if (known !== undefined && known.length > 0 && random.chance(0.9)) return random.of(known);
  const count = depth > 3 ? 0 : random.chance(0.1) ? random.below(600) : 1 + random.below(3);
  switch (shape.type) {
    case 'structure':
      return {
        members: shape.members
          .filter(([member]) => random.chance(member in plausible ? 0.85 : rarely.has(member) ? 0.1 : 0.6))
          .map(([member, of]) => [member, valueOf(random, of(), member, plausible, depth + 1)] as const),
      };
    case 'list':
      return Array.from({ length: count }, () => valueOf(random, shape.of(), name, plausible, depth + 1));
    case 'map':
      return {
        members: Array.from(
          { length: Math.min(count, 60) },
          (_, i) => [`key${i}`, valueOf(random, shape.of(), '', plausible, depth + 1)] as const,
        ),
      };
    case 'blob':
      return random.bytes(random.below(40));
    case 'number':
      return random.of([1, 0, 2, 24, 25, 48, 168, 1_000, 10_000, -1, 0.5, 2 ** 31, 2 ** 53]);
    case 'boolean':
      return random.chance(0.5);
    case 'timestamp':
      return new Moment(random.of([0, Date.now(), Date.now() + 1e6, 1e15, -1]));
    case 'text':
      return random.of(['s', 'x', 'a-b_c.d', '0', '', ' ', 'ключ', 'x'.repeat(300)]);
  }
}

const cborText = (bytes: Buffer): Buffer => Buffer.concat([head(3, bytes.length), bytes]);
const half = Buffer.from([0xf9, 0x7e, 0x00]);
const single = Buffer.from([0xfa, 0x7f, 0xc0, 0, 0]);
const notANumber = Buffer.from([0xfb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0]);
const infinity = Buffer.from([0xfb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0]);
const minusZero = Buffer.from([0xfb, 0x80, 0, 0, 0, 0, 0, 0, 0]);
const invalidUtf8 = Buffer.from([0xc3, 0x28, 0xff]);

/** Values that no member takes, or that parsers are known to stumble over. */
const nasty: readonly Node[] = [
  null,
  true,
  7,
  -7,
  1.5,
  '',
  [],
  { members: [] },
  [[[]]],
  { members: [['__proto__', { members: [['StreamName', 's']] }]] },
  { members: [['constructor', { members: [['prototype', null]] }]] },
  { members: [['toJSON', 's'], ['length', 4_294_967_295], ['then', 's']] }, // biome-ignore format: pairs
  Buffer.alloc(0),
  'x'.repeat(70_000),
  '\u0000',
  '\u2028"\\',
  new Raw('NaN', notANumber),
  new Raw('-0', minusZero),
  new Raw('1e999', infinity),
  new Raw('123456789012345678901234567890', Buffer.from('1bffffffffffffffff', 'hex')),
  new Raw('-123456789012345678901234567890', Buffer.from('3bffffffffffffffff', 'hex')),
  new Raw('"\\ud800"', cborText(Buffer.from([0xed, 0xa0, 0x80]))),
  new Raw(Buffer.concat([Buffer.from('"'), invalidUtf8, Buffer.from('"')]), cborText(invalidUtf8)),
  new Raw('undefined', Buffer.from([0xf7])),
  new Raw("'s'", half),
  new Raw('"s', single),
  new Raw('"s",', Buffer.from([0xff])),
  new Raw('//', Buffer.from([0xc1, 0x60])),
  new Raw('"====" ', Buffer.from([0xc2, 0x41, 0x01])),
  new Raw('"YWJj="', Buffer.from([0xdb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00])),
  new Raw('[1,]', Buffer.from([0x5f, 0x41, 0x61, 0xff])),
  new Raw('{"a":}', Buffer.from([0x7f, 0x61, 0x61, 0x41, 0x61, 0xff])),
  new Raw('['.repeat(20_000), Buffer.alloc(20_000, 0x81)),
  new Raw('{"a":'.repeat(5_000), Buffer.from('a16161'.repeat(5_000), 'hex')),
  new Raw('{}{}', Buffer.alloc(20_000, 0x9f)),
  new Raw('1e', head(2, 2 ** 53)),
  new Raw('tru', head(3, 2 ** 32)),
  new Raw('"\\u00"', head(4, 2 ** 53)),
  new Raw('"\\x"', head(5, 2 ** 53)),
  new Raw('"\t"', Buffer.from('c1fb7ff0000000000000', 'hex')),
];

/** The tree with one of its values, names or lists spoilt, the deeper ones too. */
function spoilt(random: Random, node: Node): Node {
  if (isMembers(node) && node.members.length > 0 && random.chance(0.9)) {
    const at = random.below(node.members.length);
    const members = [...node.members];
    const [name, value] = members[at] as (typeof members)[number];
    const kind = random.below(10);
    if (kind === 0) members.push([name, spoilt(random, value)]);
    else if (kind === 1)
      members.push([random.of(['__proto__', 'constructor', 'hasOwnProperty', '', 'StreamName', new Raw('7', Buffer.from([7]))]), value]);
    else if (kind === 2) members.splice(at, 1);
    else members[at] = [name, spoilt(random, value)];
    return { members };
  }
  if (isList(node) && node.length > 0 && random.chance(0.7)) {
    const at = random.below(node.length);
    return node.map((item, i) => (i === at ? spoilt(random, item) : item));
  }
  return random.of(nasty);
}

function mangled(random: Random, body: Buffer): Buffer {
  const at = random.below(body.length + 1);
  switch (random.below(6)) {
    case 0: {
      const copy = Buffer.from(body);
      if (at < copy.length) copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
      return copy;
    }
    case 1:
      return body.subarray(0, at);
    case 2:
      return body.subarray(at);
    case 3:
      return Buffer.concat([body.subarray(0, at), random.bytes(1 + random.below(8)), body.subarray(at)]);
    case 4:
      return Buffer.concat([body.subarray(0, at), head(random.below(8), random.of([24, 2 ** 16, 2 ** 32, 2 ** 53])), body.subarray(at)]);
    default:
      return Buffer.concat([body, body.subarray(at)]);
  }
}
