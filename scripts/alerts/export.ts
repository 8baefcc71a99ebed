import { createWriteStream } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { extname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { AlertRecord } from '../../services/lib/alerts/stored-alert.ts';
import { fileErrorText } from '../cli/file-error.ts';
import { UsageError } from '../cli/flags.ts';
import { csvHeader, csvRow } from './csv.ts';
import { filterOf, findAlerts } from './find.ts';
import type { ExportFlags } from './flags.ts';
import { type AlertsIo, openAlerts } from './io.ts';
import { plain } from './view.ts';
import { counted } from './words.ts';

const progressEvery = 1_000;

interface Format {
  readonly header: string;
  readonly row: (record: AlertRecord) => string;
}

const formats: Readonly<Record<string, Format>> = {
  '.ndjson': { header: '', row: (record) => `${JSON.stringify(plain(record))}\n` },
  '.csv': { header: csvHeader, row: csvRow },
};

/** All alerts that match, oldest first, into a new file; one that fails half-way leaves none. Exit code: 0, or 130 when it was stopped. */
export async function exportAlerts(flags: ExportFlags, io: AlertsIo): Promise<number> {
  const { out } = flags;
  if (out === undefined) throw new UsageError('--out FILE is needed, such as alerts.ndjson or alerts.csv');
  const format = formats[extname(out)];
  if (format === undefined) throw new UsageError(`--out ${out}: expected a name that ends in ${Object.keys(formats).join(' or ')}`);
  const now = io.now();
  const filter = filterOf(flags, now);
  const target = await openAlerts(flags, io);
  let written = 0;
  async function* lines({ header, row }: Format): AsyncGenerator<string> {
    yield header;
    for await (const record of findAlerts(target, filter, 'oldest first', { now, note: io.note })) {
      yield row(record);
      if (++written % progressEvery === 0) io.note(counted(written, 'alert'));
    }
  }
  try {
    await pipeline(Readable.from(lines(format)), createWriteStream(out, { flags: 'wx' }), { signal: io.signal });
    io.note(`${counted(written, 'alert')} in ${out}`);
    return 0;
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST';
    if (isThere) throw new UsageError(`--out ${out}: it is there already; name a new file`);
    await unlink(out).catch(() => undefined);
    if (io.signal.aborted) return 130;
    throw new Error(fileErrorText(error) ?? String(error), { cause: error });
  } finally {
    target.dynamo.destroy();
  }
}
