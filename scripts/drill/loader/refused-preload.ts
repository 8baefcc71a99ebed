import { syncBuiltinESMExports } from 'node:module';
import zlib from 'node:zlib';
import { Victim } from '../victim.ts';

/**
 * Loaded into the loader's processes before their own code (NODE_OPTIONS), by the drill alone: from the moment `armed` is there one event,
 * wherever it is staged, has more seats than the warehouse's column holds, as when the contract had let it through.
 * Staged files are what the loader compresses.
 */
const victim = new Victim(process.env['DRILL_FOLDER'] ?? '');
const tooManySeats = '3000000000';
/** file id, line, booking, version, event id, three more texts, time: what comes before the seats. */
const seatsOf = /^([^,\n]+,\d+,"[^"\n]*",\d+,"([^"\n]*)",(?:"[^"\n]*",){3}[^,\n]+,)\d+/gm;

const { gzip } = zlib;
function spoiling(...args: Parameters<typeof gzip>): void {
  const [input, ...rest] = args;
  gzip(Buffer.isBuffer(input) ? spoiled(input) : input, ...rest);
}
zlib.gzip = spoiling as typeof gzip;
syncBuiltinESMExports();

function spoiled(csv: Buffer): Buffer {
  if (victim.isWanted) choose(csv.toString('utf8'));
  const { id } = victim;
  if (id === undefined || !csv.includes(id)) return csv;
  const text = csv.toString('utf8');
  return Buffer.from(
    text.replaceAll(seatsOf, (whole, before: string, eventId: string) => (eventId === id ? before + tooManySeats : whole)),
  );
}

/** In the middle of a file, so that lines before and after it must be loaded. */
function choose(csv: string): void {
  const events = [...csv.matchAll(seatsOf)].flatMap(([, , eventId]) => eventId ?? []);
  const chosen = events[Math.floor(events.length / 2)];
  if (chosen !== undefined) victim.choose(chosen);
}
