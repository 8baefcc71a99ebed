import { z } from 'zod';
import { defaultItemNames, type ItemNames } from '../lib/events/change-record-codec.ts';

const expected = `expected JSON such as {"userId":"customer_id"}, with names among ${Object.keys(defaultItemNames).join(', ')}`;
const renamed = z.partialRecord(z.enum(Object.keys(defaultItemNames) as (keyof ItemNames)[]), z.string().min(1));

/** `ITEM_ATTRIBUTES`: how the booking table names what differs from the defaults. Two fields may not share a name. */
export const itemAttributes = z
  .string()
  .optional()
  .transform((json, context): ItemNames => {
    const parsed = renamed.safeParse(parse(json ?? '{}'));
    const names = { ...defaultItemNames, ...(parsed.success ? parsed.data : {}) };
    if (!parsed.success || new Set(Object.values(names)).size < Object.keys(names).length) {
      context.addIssue({ code: 'custom', message: expected });
      return z.NEVER;
    }
    return names;
  });

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
