import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { z } from 'zod';
import type { Position } from '../kcl/position.ts';
import { PlatformError } from '../process/errors.ts';
import type { StateChange, StateRow } from './state-row.ts';

export type Item = Record<string, AttributeValue>;

const position = z
  .string()
  .regex(/^(\d{129}\.\d{10}|SHARD_END)$/)
  .transform((text) => text as Position);
const count = z.int().min(0);

/** Attributes are JSON texts: nothing looks for what is in them. Fields that a newer build adds are passed over. */
const snapshotRef = z.object({
  epoch: count,
  position,
  generation: count,
  parts: z.int().min(1),
  bytes: count,
  writtenAt: z.number(),
});
const span = z.object({ from: position, to: position });
const attempt = z
  .object({ checkpoint: position, starts: count, trying: span.optional(), suspect: span.optional(), deaths: count })
  .transform(({ trying, suspect, ...rest }) => ({ ...rest, ...(trying && { trying }), ...(suspect && { suspect }) }));
const parents = z.array(z.string());
const skips = z.array(z.object({ position, since: z.number() }));

/** Throws PROTOCOL for an item that is no state row. */
export function rowOf(item: Item): StateRow {
  const lineage = parsed(parents, item, 'parents');
  return {
    epoch: Number(item['epoch']?.N ?? 0),
    worker: item['worker']?.S ?? '',
    current: parsed(snapshotRef, item, 'current'),
    previous: parsed(snapshotRef, item, 'previous'),
    final: item['final']?.BOOL === true,
    attempt: parsed(attempt, item, 'attempt'),
    skips: parsed(skips, item, 'skips') ?? [],
    retired: item['retired']?.BOOL === true,
    ...(lineage && { parents: lineage }),
  };
}

function parsed<T>(schema: z.ZodType<T>, item: Item, name: string): T | undefined {
  const text = item[name]?.S;
  if (text === undefined) return undefined;
  const result = schema.safeParse(jsonOf(text));
  if (result.success) return result.data;
  throw new PlatformError('PROTOCOL', `the state row of ${item['shard']?.S} has no sound ${name}: ${z.prettifyError(result.error)}`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The change as an update expression; a change of nothing is an error of ours. */
export function changeOf(change: StateChange): { update: string; names: Record<string, string>; values: Item } {
  const entries = Object.entries(change).filter(([, value]) => value !== undefined);
  const set = entries.filter(([, value]) => value !== null);
  const remove = entries.filter(([, value]) => value === null);
  const clauses = [
    set.length > 0 ? `SET ${set.map(([name]) => `#${name} = :${name}`).join(', ')}` : '',
    remove.length > 0 ? `REMOVE ${remove.map(([name]) => `#${name}`).join(', ')}` : '',
  ];
  return {
    update: clauses.filter((clause) => clause !== '').join(' '),
    names: Object.fromEntries(entries.map(([name]) => [`#${name}`, name])),
    values: Object.fromEntries(set.map(([name, value]) => [`:${name}`, value === true ? { BOOL: true } : { S: JSON.stringify(value) }])),
  };
}
