import { z } from 'zod';
import { PlatformError } from '../../process/errors.ts';
import { firstSchemaVersion, rulesSchemaVersion } from './schema-version.ts';

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
  schema: z.int().min(1).optional(),
});

const pointerSchema = z
  .strictObject({
    version: z.int().min(1),
    generations: z.array(generationSchema).min(1).max(maxGenerations),
    withheld: z.union([z.literal('all'), z.array(z.string()).max(maxWithheld)]),
  })
  .refine(({ generations }) => generations.every((one, i) => follows(generations[i - 1], one)), 'generations rise, and so does activeFrom');

/**
 * One publication: the rules file with this content, in force from the first record of a shard that arrived at or after `activeFrom`.
 * `schema`: version of the file's schema; who does not know it cannot judge the file.
 */
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
  /** Of the content; default this build's. */
  readonly schema?: number;
}

/** The first pointer there is: its rules hold from the beginning of the stream. */
export const firstPointer = ({ hash, now, by, schema = rulesSchemaVersion }: Publication): RulesPointer => ({
  version: 1,
  generations: [{ generation: 1, hash, activeFrom: 0, publishedAt: now, publishedBy: by, schema }],
  withheld: [],
});

/** The pointer with one generation more; never in force before the one it follows. */
export function withGeneration(pointer: RulesPointer, { hash, now, by, schema = rulesSchemaVersion }: Publication): RulesPointer {
  const last = newestOf(pointer);
  const activeFrom = Math.max(now + activationDelayMs, last.activeFrom);
  const next: Generation = { generation: last.generation + 1, hash, activeFrom, publishedAt: now, publishedBy: by, schema };
  return { ...pointer, version: pointer.version + 1, generations: [...pointer.generations, next] };
}

export const withWithheld = (pointer: RulesPointer, withheld: Withheld): RulesPointer => ({
  ...pointer,
  version: pointer.version + 1,
  withheld,
});

/** Of the content of a generation. */
export const schemaOf = ({ schema = firstSchemaVersion }: Pick<Generation, 'schema'>): number => schema;

/** Throws RULES_INVALID for a generation whose content this build cannot judge. */
export function assertKnownSchema(one: Generation): void {
  const schema = schemaOf(one);
  if (schema <= rulesSchemaVersion) return;
  const what = `generation ${one.generation} has a newer schema, ${schema}, and this build knows ${rulesSchemaVersion}`;
  throw new PlatformError('RULES_INVALID', `${what}: deploy the new build first, rules of its schema come later`);
}

export const newestOf = ({ generations }: RulesPointer): Generation => generations.at(-1) as Generation;

const dayMs = 86_400_000;

export interface Needs {
  /** Epoch ms. */
  readonly now: number;
  readonly retentionMs: number;
  readonly referenced: ReadonlySet<number>;
  readonly valid: ReadonlySet<number>;
}

/**
 * The generations at the head of the list that nothing needs any more: the next one has been in force for longer than a record is
 * retained, and a day, and no state of a shard was made under them. `referenced`: generations of all snapshots there are; `valid`: those
 * whose content is a rules file. An invalid one has the rules of the valid one before it, which therefore stays as long.
 */
export function prunable({ generations }: Pick<RulesPointer, 'generations'>, { now, retentionMs, referenced, valid }: Needs): number[] {
  const needed = generations.findIndex(({ generation }, i) => {
    const next = generations[i + 1];
    return next === undefined || next.activeFrom >= now - retentionMs - dayMs || referenced.has(generation);
  });
  const kept = generations.findLastIndex(({ generation }, i) => i <= needed && valid.has(generation));
  return generations.slice(0, Math.max(0, kept)).map(({ generation }) => generation);
}

function follows(before: Generation | undefined, one: Generation): boolean {
  return before === undefined || (one.generation > before.generation && one.activeFrom >= before.activeFrom);
}
