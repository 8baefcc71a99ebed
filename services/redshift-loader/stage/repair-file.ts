import type { DeadLetters } from '../../lib/deadletter/dead-letters.ts';
import { isAfter, type Position, trimHorizon } from '../../lib/kcl/position.ts';
import type { StreamRecord } from '../../lib/kcl/processor.ts';
import type { ObjectStore } from '../../lib/objects/object-store.ts';
import { isPlatformError, PlatformError } from '../../lib/process/errors.ts';
import type { LoadRegistry } from '../registry/registry.ts';
import type { FileRow } from '../registry/registry-rows.ts';
import type { StagedRow } from '../shard/stage-buffer.ts';
import { type Decode, putDeadLetter, stagedRowOf } from '../shard/staged-row.ts';
import { withoutContent } from './refused-lines.ts';
import { type NumberedRow, packFile, stageKey } from './stage-file.ts';

export interface RepairTools {
  readonly application: string;
  readonly streamId: string;
  readonly streamName: string;
  readonly registry: Pick<LoadRegistry, 'replaceObject'>;
  readonly objects: Pick<ObjectStore, 'create'>;
  readonly deadLetters: DeadLetters;
  readonly decode: Decode;
  /** The shard's records in (after, upTo], read from the stream itself. */
  readonly readGap: (shardId: string, after: Position, upTo: Position) => AsyncIterable<readonly StreamRecord[]>;
  readonly newId: () => string;
}

/** What the stream still has of a file. */
export interface Reread {
  /** Without the lines that are in quarantine. */
  readonly rows: readonly NumberedRow[];
  /** Rows that the file had and that have left the stream: exact, since the registry knows how many there were. */
  readonly lost: number;
  /** Arrival of the first record that is left, epoch ms; what arrived before it is lost. Undefined when nothing is lost, or all. */
  readonly since?: number;
}

/**
 * Reads a file's range again. Records that have left the stream are an answer, not an error. Rejects with STREAM_UNAVAILABLE, and with
 * WAREHOUSE_MISMATCH when more rows come than were staged: another build read the records otherwise, and no line's number can be told.
 */
export async function rereadFile(tools: RepairTools, file: FileRow): Promise<Reread> {
  const quarantined = new Set((file.quarantined ?? []).map(({ line }) => line));
  const before = file.rows + quarantined.size;
  const { rows, since } = await readRange(tools, file);
  if (rows.length > before)
    throw new PlatformError('WAREHOUSE_MISMATCH', `${file.fileId}: the stream makes ${rows.length} rows of it, ${before} were staged`);
  const lost = before - rows.length;
  // What is left is the end of the range, and keeps its numbers.
  const numbered = rows.map((row, index) => ({ ...row, line: index + lost + 1 })).filter(({ line }) => !quarantined.has(line));
  return { rows: numbered, lost: Math.max(0, file.rows - numbered.length), ...(lost > 0 && since !== undefined ? { since } : {}) };
}

interface Range {
  readonly rows: readonly StagedRow[];
  readonly since: number | undefined;
}

async function readRange(tools: RepairTools, file: FileRow): Promise<Range> {
  try {
    return await collect(tools, file, file.from);
  } catch (error) {
    if (!isPlatformError(error, 'STREAM_TRIMMED')) throw error;
  }
  try {
    return await collect(tools, file, trimHorizon);
  } catch (error) {
    // Its last record is gone, so all before it are.
    if (isPlatformError(error, 'STREAM_TRIMMED')) return { rows: [], since: undefined };
    throw error;
  }
}

async function collect({ readGap, decode, deadLetters, streamName }: RepairTools, file: FileRow, after: Position): Promise<Range> {
  const rows: StagedRow[] = [];
  let since: number | undefined;
  for await (const records of readGap(file.shardId, after, file.to)) {
    for (const record of records) {
      if (!isAfter(record.position, file.from) || isAfter(record.position, file.to)) continue;
      since ??= record.approximateArrivalTimestamp;
      const outcome = stagedRowOf(record, decode);
      if (outcome.kind === 'ok') rows.push(outcome.value);
      else if (outcome.kind === 'deadLetter')
        await putDeadLetter(deadLetters, { stream: streamName, shard: file.shardId }, record, outcome);
    }
  }
  return { rows, since };
}

/** A new object under a new key, then the row, if it still names the object that was faulty. `lost`: it does not, look again. */
export async function replaceFile(tools: RepairTools, file: FileRow, { rows }: Reread): Promise<'replaced' | 'lost'> {
  if (file.object === undefined) return 'lost';
  const key = stageKey({ ...tools, shardId: file.shardId }, file.from, file.to, tools.newId());
  const { body, content } = await packFile(file.fileId, key, rows);
  if (body !== undefined) await tools.objects.create(key, body, 'application/gzip');
  return tools.registry.replaceObject({ ...withoutContent(file), ...content }, file.object.key);
}
