import * as sdk from '@aws-sdk/client-kinesis';

/** What a member holds, as the SDK's own schemas have it. */
export type Shape =
  | { readonly type: 'text' | 'number' | 'boolean' | 'timestamp' | 'blob' }
  | { readonly type: 'list' | 'map'; readonly of: () => Shape }
  | { readonly type: 'structure'; readonly members: readonly (readonly [name: string, shape: () => Shape])[] };

/** Static schemas of Smithy's TypeScript runtime: a number for simple shapes, a tuple that begins with its kind for the rest. */
const kinds = { simple: 0, list: 1, map: 2, structure: 3, union: 4, operation: 9 } as const;
const blobs: readonly unknown[] = [21, 42];
const listOf = 64;
const mapOf = 128;

function shapeOf(schema: unknown): Shape {
  if (typeof schema === 'function') return shapeOf((schema as () => unknown)());
  if (typeof schema === 'number') return simple(schema);
  if (!Array.isArray(schema)) throw new TypeError('a schema of an unknown form');
  const [kind, , third, , fifth, sixth] = schema as unknown[];
  if (typeof kind !== 'number') return shapeOf(kind); // [schema, traits]: a member with traits of its own
  if (kind === kinds.simple) return shapeOf(fifth);
  if (kind === kinds.list) return { type: 'list', of: () => shapeOf(fifth) };
  if (kind === kinds.map) return { type: 'map', of: () => shapeOf(sixth) };
  if (kind !== kinds.structure && kind !== kinds.union) throw new TypeError(`a schema of unknown kind ${kind}: ${String(third)}`);
  const schemas = sixth as readonly unknown[];
  return { type: 'structure', members: (fifth as string[]).map((name, i) => [name, () => shapeOf(schemas[i])]) };
}

function simple(code: number): Shape {
  if (code >= mapOf) return { type: 'map', of: () => simple(code - mapOf) };
  if (code >= listOf) return { type: 'list', of: () => simple(code - listOf) };
  if (blobs.includes(code)) return { type: 'blob' };
  if (code === 0) return { type: 'text' };
  if (code === 2) return { type: 'boolean' };
  if (code >= 4 && code <= 7) return { type: 'timestamp' };
  return { type: 'number' };
}

export interface OperationShape {
  readonly name: string;
  readonly input: Shape;
}

/** Every operation of the API that the installed SDK knows, so that a later one is met without a change here. */
export const operationShapes: readonly OperationShape[] = Object.values(sdk as Record<string, unknown>)
  .filter((value): value is unknown[] => Array.isArray(value) && value[0] === kinds.operation)
  .map((schema) => ({ name: String(schema[2]), input: shapeOf(schema[4]) }));
