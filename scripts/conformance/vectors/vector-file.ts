import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { cannotRead } from '../../cli/file-error.ts';
import { UsageError } from '../../cli/flags.ts';

const maxBytes = 64 * 1_048_576;
const shownProblems = 20;

const vectorSchema = z.object({
  id: z.string().min(1),
  kind: z.string().min(1),
  /** `owner/repository:path/of/TestClass.ext#test`, or an address. */
  source: z.string().default(''),
  spec: z.record(z.string(), z.unknown()).default({}),
  input: z.unknown().optional(),
  expect: z.unknown().refine((value) => value !== undefined, 'missing'),
  /** Of kind watermark-run: times of the records that came too late. */
  lateTs: z.array(z.number()).optional(),
});

const fileSchema = z.object({
  vectors: z
    .array(vectorSchema)
    .min(1)
    .refine((vectors) => new Set(vectors.map(({ id }) => id)).size === vectors.length, 'ids must differ'),
});

export type Vector = z.infer<typeof vectorSchema>;

/** Throws UsageError for a file that cannot be read or is no file of vectors, with what is wrong where. */
export async function readVectors(path: string): Promise<readonly Vector[]> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new UsageError(cannotRead('--vectors', path, error).message);
  });
  if (bytes.length > maxBytes) throw new UsageError(`${path} is larger than ${maxBytes / 1_048_576} MiB`);
  return parseVectors(bytes.toString('utf8'), path);
}

export function parseVectors(text: string, path: string): readonly Vector[] {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${path} is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const result = fileSchema.safeParse(document);
  if (result.success) return result.data.vectors;
  const { issues } = result.error;
  const problems = issues.slice(0, shownProblems).map((issue) => `  ${issue.path.join('.') || 'file'}: ${issue.message}`);
  const more = issues.length > shownProblems ? `\n  and ${issues.length - shownProblems} more` : '';
  throw new UsageError(
    `${path} is not a file of window vectors, {"vectors":[{"id","kind","spec","input","expect"}…]}:\n${problems.join('\n')}${more}`,
  );
}
