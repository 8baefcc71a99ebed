import { z } from 'zod';
import { accountSchema } from '../../services/account-guard/account-item.ts';
import { bookingEventSchema } from '../../services/lib/events/booking-event.ts';
import { rulesFileSchema } from '../../services/lib/rules/rules-file.ts';
import { faultsDocumentSchema } from '../local/kinesis/faults/fault-schema.ts';

/** The published contracts, generated from the code that enforces them: path below the repository's root → content. */
export function contractFiles(): ReadonlyMap<string, string> {
  return new Map([
    contract('booking-event.v1', 'BookingEvent v1', bookingEventSchema),
    contract('account.v1', 'Item `account` of the table accounts v1', accountSchema),
    contract('rules.v1', 'Fraud rules v1', rulesFileSchema),
    contract('kinesis-faults.v1', 'Faults of the local Kinesis v1', faultsDocumentSchema),
  ]);
}

function contract(name: string, title: string, schema: z.ZodType): [string, string] {
  const document = { title, ...z.toJSONSchema(schema, { target: 'draft-2020-12' }) };
  return [`docs/contracts/${name}.json`, `${JSON.stringify(document, null, 2)}\n`];
}
