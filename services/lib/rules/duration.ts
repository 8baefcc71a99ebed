/**
 * ISO 8601 durations of fixed length: days, hours, minutes, seconds with at most three decimals.
 * Weeks, months and years are left out: a month has no length in milliseconds, and days say what weeks say.
 */
export const durationPattern = /^P(?=\d|T\d)(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d{1,3}))?S)?)?$/;

const daysMs = 86_400_000;
const hoursMs = 3_600_000;
const minutesMs = 60_000;
const secondsMs = 1_000;

/** Milliseconds; undefined when the text is no such duration. */
export function durationMs(text: string): number | undefined {
  const match = durationPattern.exec(text);
  if (match === null) return undefined;
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = match.slice(1, 5).map((digits) => Number(digits ?? 0));
  const millis = Number((match[5] ?? '').padEnd(3, '0'));
  return days * daysMs + hours * hoursMs + minutes * minutesMs + seconds * secondsMs + millis;
}
