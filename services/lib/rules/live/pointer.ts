import { z } from 'zod';
import { PlatformError } from '../../process/errors.ts';

/** At 4 publications a day, retained 8 days, a third of it is in use; a pointer item stays far below DynamoDB's 400 KB. */
export const maxGenerations = 100;
const maxWithheld = 1_000;

/** How long before it takes effect a generation is published. */
export const activationDelayMs = 60_000;
/** A publication that was not answered by then is given up, and a reader may rely on it. */
export const writeDeadlineMs = 10_000;
/** Between the publisher's clock, a reader's and that of Kinesis. */
export const clockSkewMs = 10_000;

const epochMs = z.int().min(0);

const generationSchema = z.strictObject({
  generation: z.int().min(1),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  activeFrom: epochMs,
  publishedAt: epochMs,
  publishedBy: z.string().max(256),
});

const pointerSchema = z
  .strictObject({
    version: z.int().min(1),
    generations: z.array(generationSchema).min(1).max(maxGenerations),
    withheld: z.union([z.literal('all'), z.array(z.string()).max(maxWithheld)]),
  })
  .refine(({ generations }) => generations.every((one, i) => follows(generations[i - 1], one)), 'generations rise, and so does activeFrom');

/** One publication: the rules file with this content, in force from the first record of a shard that arrived at or after `activeFrom`. */
export type Generation = Readonly<z.infer<typeof generationSchema>>;

/** Rules whose alerts are stored but not published. */
export type Withheld = 'all' | readonly string[];

/** What is in force from when on; one item of the table, written whole. */
export interface RulesPointer {
  /** Rises by one with each write. */
  readonly version: number;
  /** Oldest first; at least one. */
  readonly generations: readonly Generation[];
  readonly withheld: Withheld;
}

/** Throws RULES_INVALID. */
export function parsePointer(item: unknown): RulesPointer {
  const result = pointerSchema.safeParse(item);
  if (result.success) return result.data;
  throw new PlatformError('RULES_INVALID', `the rules pointer is invalid: ${z.prettifyError(result.error)}`);
}

export interface Publication {
  readonly hash: string;
  /** Epoch ms, the publisher's clock. */
  readonly now: number;
  readonly by: string;
}

/** The first pointer there is: its rules hold from the beginning of the stream. */
export const firstPointer = ({ hash, now, by }: Publication): RulesPointer => ({
  version: 1,
  generations: [{ generation: 1, hash, activeFrom: 0, publishedAt: now, publishedBy: by }],
  withheld: [],
});

/** The pointer with one generation more; never in force before the one it follows. */
export function withGeneration(pointer: RulesPointer, { hash, now, by }: Publication): RulesPointer {
  const last = newestOf(pointer);
  const activeFrom = Math.max(now + activationDelayMs, last.activeFrom);
  const next: Generation = { generation: last.generation + 1, hash, activeFrom, publishedAt: now, publishedBy: by };
  return { ...pointer, version: pointer.version + 1, generations: [...pointer.generations, next] };
}

export const withWithheld = (pointer: RulesPointer, withheld: Withheld): RulesPointer => ({
  ...pointer,
  version: pointer.version + 1,
  withheld,
});

export const newestOf = ({ generations }: RulesPointer): Generation => generations.at(-1) as Generation;

const dayMs = 86_400_000;

/**
 * The generations at the head of the list that nothing needs any more: the next one has been in force for longer than a record is
 * retained, and a day, and no state of a shard was made under them. `referenced`: generations of all snapshots there are.
 */
export function prunable(
  { generations }: Pick<RulesPointer, 'generations'>,
  { now, retentionMs, referenced }: { readonly now: number; readonly retentionMs: number; readonly referenced: ReadonlySet<number> },
): number[] {
  const kept = generations.findIndex(({ generation }, i) => {
    const next = generations[i + 1];
    return next === undefined || next.activeFrom >= now - retentionMs - dayMs || referenced.has(generation);
  });
  return generations.slice(0, kept).map(({ generation }) => generation);
}

function follows(before: Generation | undefined, one: Generation): boolean {
  return before === undefined || (one.generation > before.generation && one.activeFrom >= before.activeFrom);
}
