import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { ObjectStore } from '../../lib/objects/object-store.ts';
import { readStagedObject, StagedObjectError } from '../../lib/warehouse/copy.ts';
import { refusedRow } from '../../lib/warehouse/csv-records.ts';
import type { Dialect } from '../../lib/warehouse/ddl.ts';
import type { QuarantinedLine } from '../../lib/warehouse/load.ts';
import type { Refusal } from '../../lib/warehouse/refusal.ts';
import type { LoadRegistry } from '../registry/registry.ts';
import type { FileRow } from '../registry/registry-rows.ts';
import { type FileContent, packObject, stageKey } from './stage-file.ts';

const decompress = promisify(gunzip);

/** Of one file. More is no accident of single events; a person looks. */
export const maxQuarantined = 100;
/** A registry row is a DynamoDB item, 400 KB at most (DynamoDB quotas). */
const maxQuarantinedBytes = 300_000;
/** Of UTF-8, in the registry; the whole line is an object of its own. */
const contentBytes = 2_000;
const detailBytes = 500;

export interface QuarantineTools {
  readonly application: string;
  readonly streamId: string;
  readonly registry: Pick<LoadRegistry, 'replaceObject'>;
  readonly objects: Pick<ObjectStore, 'read' | 'create'>;
  readonly newId: () => string;
}

export type TakenOut =
  /** `file` is the row as it stands now. */
  | { readonly kind: 'quarantined'; readonly file: FileRow }
  /** Somebody else has replaced, loaded or removed the file, or its object is gone: look again. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'impossible'; readonly why: string };

/**
 * Takes a refused line out of its file (docs/adr/0015): the line to an object of its own, the rest to a new object under a new key,
 * then the registry's row, if it still names the object that was refused. A crash in between leaves objects that nothing names.
 */
export async function takeOut(tools: QuarantineTools, file: FileRow, refusal: Refusal, dialect: Dialect): Promise<TakenOut> {
  const { object, quarantined = [] } = file;
  if (object === undefined) return { kind: 'impossible', why: 'the file has no object' };
  const body = await readStagedObject(tools.objects, object).catch((error: unknown) => {
    if (error instanceof StagedObjectError) return undefined;
    throw error;
  });
  if (body === undefined) return { kind: 'lost' };
  const csv = (await decompress(body)).toString('utf8');
  const found = refusedRow(csv, refusal, dialect);
  if (found === undefined) return { kind: 'impossible', why: `line ${refusal.line} is not certainly the one that is meant` };
  const line: QuarantinedLine = {
    line: found.line,
    ...(refusal.column === undefined ? {} : { column: refusal.column }),
    reason: refusal.reason,
    detail: beginning(refusal.detail, detailBytes),
    content: beginning(found.text, contentBytes),
  };
  const lines = [...quarantined, line].sort((a, b) => a.line - b.line);
  if (lines.length > maxQuarantined || Buffer.byteLength(JSON.stringify(lines)) > maxQuarantinedBytes) {
    return { kind: 'impossible', why: `${quarantined.length} of its lines were refused before` };
  }
  await tools.objects.create(quarantineKey(tools, file, found.line), Buffer.from(found.text), 'text/csv');
  const next: FileRow = { ...withoutContent(file), ...(await stageRest(tools, file, found.rest)), quarantined: lines };
  const outcome = await tools.registry.replaceObject(next, object.key);
  return outcome === 'replaced' ? { kind: 'quarantined', file: next } : { kind: 'lost' };
}

export function quarantineKey(
  { application, streamId }: Pick<QuarantineTools, 'application' | 'streamId'>,
  { shardId, fileId }: FileRow,
  line: number,
): string {
  return `quarantine/${application}/${streamId}/${shardId}/${fileId}-${line}.csv`;
}

/** What a replacement says anew. */
export function withoutContent(file: FileRow): Omit<FileRow, keyof FileContent> {
  const { shardId, fileId, from, to, registeredAt, quarantined } = file;
  return { shardId, fileId, from, to, registeredAt, ...(quarantined === undefined ? {} : { quarantined }) };
}

/** Times stay those of the whole file: they bound what is left. */
async function stageRest(tools: QuarantineTools, file: FileRow, csv: string): Promise<FileContent> {
  if (csv === '') return { rows: 0, csvBytes: 0 };
  const bytes = Buffer.from(csv);
  const key = stageKey({ ...tools, shardId: file.shardId }, file.from, file.to, tools.newId());
  const { body, object } = await packObject(key, bytes);
  await tools.objects.create(key, body, 'application/gzip');
  const { occurred, oldestArrival, sampledTimes } = file;
  return {
    rows: file.rows - 1,
    csvBytes: bytes.length,
    object,
    ...(occurred === undefined ? {} : { occurred }),
    ...(oldestArrival === undefined ? {} : { oldestArrival }),
    ...(sampledTimes === undefined ? {} : { sampledTimes }),
  };
}

function beginning(text: string, bytes: number): string {
  const utf8 = Buffer.from(text);
  // A character that the cut goes through is dropped.
  return utf8.length <= bytes ? text : utf8.toString('utf8', 0, bytes).replace(/\uFFFD$/, '');
}
