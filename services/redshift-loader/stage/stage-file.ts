import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { type Position, sequenceOf, subSequenceOf } from '../../lib/kcl/position.ts';
import type { StagedObject } from '../../lib/warehouse/copy.ts';
import { csvFile } from '../../lib/warehouse/csv.ts';
import type { FileRow } from '../registry/registry-rows.ts';
import type { StagedRow } from '../shard/stage-buffer.ts';

const compress = promisify(gzip);
/** Level 1: a third of the CPU of the default for an eighth more bytes (measured on booking events). */
const gzipLevel = 1;
const samplesPerFile = 8;

export interface ShardIdentity {
  readonly application: string;
  readonly streamId: string;
  readonly shardId: string;
}

/** Objects of alerts on their way into the warehouse. */
export const alertsPrefix = 'stage/alerts/';

/** All staged objects of one shard lie below this. */
export const stagePrefix = ({ application, streamId, shardId }: ShardIdentity): string => `stage/${application}/${streamId}/${shardId}/`;

/**
 * `stage/<application>/<stream>/<shard>/<uuid>/<from>-<to>.csv.gz`; positions as `<sequence>.<sub>`, unpadded to fit a file name.
 * The uuid comes first: Redshift's load errors name a file by its first 256 characters (docs/adr/0015).
 */
export function stageKey(shard: ShardIdentity, from: Position, to: Position, objectId: string): string {
  const short = (p: Position): string => `${sequenceOf(p) ?? '0'}.${subSequenceOf(p)}`;
  return `${stagePrefix(shard)}${objectId}/${short(from)}-${short(to)}.csv.gz`;
}

/** A line of a file: its number, from 1, which it keeps whatever happens to the others. */
export interface NumberedRow extends StagedRow {
  readonly line: number;
}

export const numbered = (rows: readonly StagedRow[]): NumberedRow[] => rows.map((row, index) => ({ ...row, line: index + 1 }));

/** What a file row says of its content. Without rows there is no object. */
export type FileContent = Pick<FileRow, 'rows' | 'csvBytes' | 'object' | 'occurred' | 'oldestArrival' | 'sampledTimes'>;

/** A file's object, not yet put; `body` is undefined when there are no rows. */
export async function packFile(
  fileId: string,
  key: string,
  rows: readonly NumberedRow[],
): Promise<{ readonly body: Buffer | undefined; readonly content: FileContent }> {
  if (rows.length === 0) return { body: undefined, content: { rows: 0, csvBytes: 0 } };
  const csv = csvFile(fileId, rows);
  const { body, object } = await packObject(key, csv);
  const times = rows.map((row) => row.occurredAt);
  const content: FileContent = {
    rows: rows.length,
    csvBytes: csv.length,
    object,
    occurred: [least(times), -least(times.map((t) => -t))],
    oldestArrival: least(rows.map((row) => row.arrivedAt)),
    sampledTimes: sampled(rows).map(({ occurredAt, arrivedAt }) => [occurredAt, arrivedAt]),
  };
  return { body, content };
}

export async function packObject(key: string, csv: Buffer): Promise<{ readonly body: Buffer; readonly object: StagedObject }> {
  const body = await compress(csv, { level: gzipLevel });
  return { body, object: { key, size: body.length, sha256: createHash('sha256').update(body).digest('hex') } };
}

/** Rows whose age at the commit stands for all: evenly spaced, the first and the last among them. */
function sampled(rows: readonly StagedRow[]): readonly StagedRow[] {
  if (rows.length <= samplesPerFile) return rows;
  const step = (rows.length - 1) / (samplesPerFile - 1);
  return Array.from({ length: samplesPerFile }, (_, i) => rows[Math.round(i * step)]).filter((row) => row !== undefined);
}

/** Math.min(...) of many arguments overflows the stack. */
const least = (numbers: readonly number[]): number => numbers.reduce((a, b) => (b < a ? b : a));
