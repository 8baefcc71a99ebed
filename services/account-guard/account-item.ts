import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { z } from 'zod';
import { PlatformError } from '../lib/process/errors.ts';

/** Sort key of the one item that others read. */
export const accountItem = 'account';
/** One per alert that was acted on, kept for ever: it is what makes a repeated alert do nothing, whatever happened since. */
export const alertItem = (alertId: string): string => `alert#${alertId}`;
/** One per unlock by a person. `id`: unique. */
export const unlockItem = (at: number, id: string): string => `unlock#${new Date(at).toISOString()}#${id}`;

const epochMs = z.int().nonnegative();
const shared = {
  userId: z.string().min(1).max(128),
  item: z.literal(accountItem),
  version: z.int().min(1).describe('rises with every change'),
};

export const lockedAccountSchema = z.object({
  ...shared,
  status: z.literal('locked'),
  reason: z.string().min(1).describe('for people; do not show it to the user'),
  alertId: z.string().min(1).max(128).describe('the alert that the lock lasts for'),
  ruleId: z.string().min(1),
  lockedAt: epochMs.describe('epoch ms; since when without a break'),
  lockedUntil: epochMs.describe('epoch ms; from then on the account is NOT locked, although status still says so'),
});

const activeAccountSchema = z.object({
  ...shared,
  status: z.literal('active').describe('unlocked by a person'),
  unlockedAt: epochMs.describe('epoch ms'),
  unlockedBy: z.string().min(1),
  unlockReason: z.string().min(1),
});

/** The contract with the booking service (docs/contracts/account.v1.json). No item: nobody ever locked the account. */
export const accountSchema = z.discriminatedUnion('status', [lockedAccountSchema, activeAccountSchema]);

export type LockedAccount = z.output<typeof lockedAccountSchema>;
export type Account = z.output<typeof accountSchema>;

/** As the booking service has to read it. `now`: epoch ms. */
export const isLocked = (account: Account | undefined, now: number): account is LockedAccount =>
  account?.status === 'locked' && now < account.lockedUntil;

type Flat = Readonly<Record<string, string | number>>;

/** Texts and numbers only. */
export const toItem = (value: Flat): Record<string, AttributeValue> =>
  Object.fromEntries(Object.entries(value).map(([name, v]) => [name, typeof v === 'string' ? { S: v } : { N: String(v) }]));

/** Throws PROTOCOL for an item that breaks the contract: nobody but us may write it. */
export function accountOf(item: Readonly<Record<string, AttributeValue>>): Account {
  const flat = Object.fromEntries(Object.entries(item).map(([name, v]) => [name, v.N === undefined ? v.S : Number(v.N)]));
  const parsed = accountSchema.safeParse(flat);
  if (parsed.success) return parsed.data;
  throw new PlatformError('PROTOCOL', `the account of ${item['userId']?.S ?? '?'} breaks its contract: ${z.prettifyError(parsed.error)}`);
}
