import { randomUUID } from 'node:crypto';
import { sequenceOf } from '../../services/lib/kcl/position.ts';
import { readWatermarks } from '../../services/lib/warehouse/load.ts';
import type { FileRow } from '../../services/redshift-loader/registry/registry-rows.ts';
import { findFaultyFiles } from '../../services/redshift-loader/stage/faulty-files.ts';
import { type Reread, replaceFile, rereadFile } from '../../services/redshift-loader/stage/repair-file.ts';
import type { ObjectFault } from '../../services/redshift-loader/stage/stage-check.ts';
import type { RepairFlags } from './flags.ts';
import type { RepairPlace } from './place.ts';

export interface RepairIo {
  /** Data; one line a call. */
  readonly out: (line: string) => void;
  /** For people. */
  readonly note: (line: string) => void;
  readonly now: () => number;
  readonly signal: AbortSignal;
  /** Who runs the command, as the machine knows them. */
  readonly operator: string;
}

/** `repaired`: whole again. `lost`: registered with what is left. `left`: as it was. */
type Outcome = 'faulty' | 'repaired' | 'lost' | 'left' | 'moved on';

interface FileReport {
  readonly shard: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly key: string;
  readonly fault: ObjectFault;
  readonly rows: number;
  outcome: Outcome;
  rowsLost: number;
}

const progressMs = 2_000;

/** Exit code: 0 nothing is faulty, or all of it was repaired; 1 something still is. */
export async function repair(
  flags: RepairFlags,
  { registry, objects, warehouse, tools, place }: RepairPlace,
  io: RepairIo,
): Promise<number> {
  const watermarks = await readAll(warehouse, tools.application, tools.streamId);
  const faulty: { file: FileRow; report: FileReport }[] = [];
  let checked = 0;
  let told = io.now();
  for await (const found of findFaultyFiles(registry, objects, watermarks)) {
    if (io.signal.aborted) break;
    if (found.kind === 'checked') checked += found.files;
    else faulty.push({ file: found.file, report: reportOf(found.file, found.fault) });
    if (io.now() - told < progressMs) continue;
    told = io.now();
    io.note(`${checked} files looked at, ${faulty.length} faulty`);
  }
  io.note(`${checked} files wait to be loaded, ${faulty.length} are missing or corrupt`);
  if (flags.yes && faulty.length > 0) {
    const run = `${new Date(io.now()).toISOString().replaceAll(':', '')}-${randomUUID()}`;
    for (const [index, { file, report }] of faulty.entries()) {
      if (io.signal.aborted) break;
      io.note(`${index + 1} of ${faulty.length}: reading ${report.shard} from ${report.from} to ${report.to}`);
      const reread = await rereadFile(tools, file);
      await repairOne(file, reread, report, run);
    }
  }
  const reports = faulty.map(({ report }) => report);
  const still = reports.filter(({ outcome }) => outcome === 'faulty' || outcome === 'left').length;
  const rowsLost = reports.reduce((sum, report) => sum + (report.outcome === 'lost' ? report.rowsLost : 0), 0);
  const ok = still === 0 && !io.signal.aborted;
  if (flags.json) {
    const repaired = reports.filter(({ outcome }) => outcome === 'repaired' || outcome === 'lost').length;
    io.out(
      JSON.stringify({
        type: 'result',
        ok,
        dryRun: !flags.yes,
        checked,
        faulty: reports.length,
        repaired,
        rowsLost,
        ...place,
        files: reports,
      }),
    );
  } else {
    for (const report of reports) io.out(textOf(report));
    if (still > 0 && !flags.yes) io.note('Nothing was changed: this is a dry run. --yes makes the files again from the stream.');
  }
  return ok ? 0 : 1;

  async function repairOne(file: FileRow, reread: Reread, report: FileReport, run: string): Promise<void> {
    report.rowsLost = reread.lost;
    if (reread.lost > 0) {
      io.note(lossOf(file, reread));
      if (!flags['accept-loss']) {
        report.outcome = 'left';
        return;
      }
    }
    const audit = { command: 'repair', run, at: io.now(), operator: io.operator, ...place, ...report, rowsLeft: reread.rows.length };
    const line = Buffer.from(`${JSON.stringify({ ...audit, outcome: 'begun' })}\n`);
    await objects.create(`audit/repair/${run}/${file.fileId}.json`, line, 'application/json');
    const replaced = await replaceFile(tools, file, reread);
    report.outcome = replaced === 'lost' ? 'moved on' : reread.lost > 0 ? 'lost' : 'repaired';
  }
}

async function readAll(warehouse: RepairPlace['warehouse'], application: string, streamId: string) {
  const session = await warehouse.connect();
  try {
    return await readWatermarks(session, application, streamId);
  } finally {
    await session.close();
  }
}

function reportOf(file: FileRow, fault: ObjectFault): FileReport {
  const { shardId, fileId, from, to, rows, object } = file;
  const [begin, end] = [sequenceOf(from) ?? 'the beginning', sequenceOf(to) ?? 'the end'];
  return { shard: shardId, file: fileId, from: begin, to: end, key: object?.key ?? '', fault, rows, outcome: 'faulty', rowsLost: 0 };
}

const textOf = ({ outcome, fault, rows, rowsLost, key }: FileReport): string =>
  `${outcome === 'faulty' ? fault : outcome}  ${rows} rows${rowsLost > 0 ? `, ${rowsLost} of them lost` : ''}  ${key}`;

function lossOf({ shardId, rows, occurred, oldestArrival }: FileRow, { lost, since }: Reread): string {
  const arrived = [
    ...(oldestArrival === undefined ? [] : [`from ${time(oldestArrival)}`]),
    ...(since === undefined ? [] : [`until ${time(since)}`]),
  ].join(' ');
  const happened = occurred === undefined ? '' : `; the file's events happened between ${time(occurred[0])} and ${time(occurred[1])}`;
  return (
    `the stream has lost ${lost} of the ${rows} rows of this file: events of ${shardId} that arrived ${arrived}${happened}. ` +
    '--accept-loss registers what is left; without it the shard waits. The S3 archive may still have them.'
  );
}

const time = (epochMs: number): string => new Date(epochMs).toISOString();
