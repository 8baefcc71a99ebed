import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Loaded into the detector's processes before their own code (NODE_OPTIONS), by the drill alone: a user's third cancellation,
 * which would raise an alert, kills the process that parses it after `armed` is there, and from then on every process that parses it,
 * as a record does that runs into a bug of V8.
 * Records are parsed when they are applied, and nowhere else: what KCL and Kinesis deliver is base64.
 */
const folder = process.env['DRILL_POISON'] ?? '';
const armedPollMs = 100;
const victimFile = join(folder, 'victim');

const parse = JSON.parse.bind(JSON);
let victim = existsSync(victimFile) ? readFileSync(victimFile, 'utf8') : undefined;
let isArmed = false;
/** A copy of what was applied before would kill too, but what the first one did stays: it is no victim. */
const seen = new Set<string>();
const cancellations = new Map<string, number>();
const raisesAlert = 3;

setInterval(() => {
  isArmed = victim === undefined && existsSync(join(folder, 'armed'));
}, armedPollMs).unref();

JSON.parse = (text: string, reviver?: Parameters<typeof JSON.parse>[1]): unknown => {
  if (typeof text === 'string' && text.includes('"bookingId"')) {
    const eventId = /"eventId":"([^"]+)"/.exec(text)?.[1];
    if (eventId !== undefined) {
      if (!seen.has(eventId) && text.includes('"type":"cancelled"')) {
        const userId = /"userId":"([^"]+)"/.exec(text)?.[1] ?? '';
        const count = (cancellations.get(userId) ?? 0) + 1;
        cancellations.set(userId, count);
        if (isArmed && count === raisesAlert) choose(eventId);
      }
      if (eventId === victim) process.kill(process.pid, 'SIGKILL');
      seen.add(eventId);
    }
  }
  return parse(text, reviver);
};

function choose(eventId: string): void {
  isArmed = false;
  try {
    writeFileSync(victimFile, eventId, { flag: 'wx' });
    victim = eventId;
  } catch {
    victim = readFileSync(victimFile, 'utf8'); // another shard's process was faster
  }
}
