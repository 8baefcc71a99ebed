import { z } from 'zod';
import { defaultItemNames, type ItemNames } from '../lib/events/change-record-codec.ts';

const fields = Object.keys(defaultItemNames) as (keyof ItemNames)[];
const renamed = z.partialRecord(z.enum(fields), z.string().min(1));

/** `ITEM_ATTRIBUTES`: JSON that names the booking table's attributes where they differ from the defaults. */
export const itemAttributes = z
  .string()
  .optional()
  .transform((json, context): string => {
    if (json === undefined || itemNames(json) !== undefined) return json ?? '{}';
    context.addIssue({ code: 'custom', message: `expected JSON such as {"userId":"customer_id"}, with names among ${fields.join(', ')}` });
    return z.NEVER;
  });

/** Undefined when the text is not such JSON, or two fields would share a name. */
export function itemNames(json: string): ItemNames | undefined {
  const parsed = renamed.safeParse(parse(json));
  if (!parsed.success) return undefined;
  const names = { ...defaultItemNames, ...parsed.data };
  return new Set(Object.values(names)).size === fields.length ? names : undefined;
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
