import { Victim } from '../victim.ts';

/**
 * Loaded into the detector's processes before their own code (NODE_OPTIONS), by the drill alone: a user's third cancellation,
 * which would raise an alert, kills the process that parses it after `armed` is there, and from then on every process that parses it,
 * as a record does that runs into a bug of V8.
 * Records are parsed when they are applied, and nowhere else: what KCL and Kinesis deliver is base64.
 */
const victim = new Victim(process.env['DRILL_FOLDER'] ?? '');
const parse = JSON.parse.bind(JSON);
/** A copy of what was applied before would kill too, but what the first one did stays: it is no victim. */
const seen = new Set<string>();
const cancellations = new Map<string, number>();
const raisesAlert = 3;

JSON.parse = (text: string, reviver?: Parameters<typeof JSON.parse>[1]): unknown => {
  if (typeof text === 'string' && text.includes('"bookingId"')) {
    const eventId = /"eventId":"([^"]+)"/.exec(text)?.[1];
    if (eventId !== undefined) {
      if (!seen.has(eventId) && text.includes('"type":"cancelled"')) {
        const userId = /"userId":"([^"]+)"/.exec(text)?.[1] ?? '';
        const count = (cancellations.get(userId) ?? 0) + 1;
        cancellations.set(userId, count);
        if (victim.isWanted && count === raisesAlert) victim.choose(eventId);
      }
      if (eventId === victim.id) process.kill(process.pid, 'SIGKILL');
      seen.add(eventId);
    }
  }
  return parse(text, reviver);
};
