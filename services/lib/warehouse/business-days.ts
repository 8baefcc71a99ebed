import { PlatformError } from '../process/errors.ts';

/** A calendar day, as days since 1970-01-01. */
export type Day = number;

/** The business day at the start of a UTC day, and the instant (epoch ms) within it from which on it is `nextDay`; its end when there is none. */
export interface DaySwitch {
  readonly utcDay: Day;
  readonly firstDay: Day;
  readonly switchesAt: number;
  readonly nextDay: Day;
}

/** [startsAt, endsAt) in epoch ms; empty when the zone skipped the day. */
export interface BusinessDay {
  readonly day: Day;
  readonly startsAt: number;
  readonly endsAt: number;
}

export interface BusinessCalendar {
  readonly switches: readonly DaySwitch[];
  readonly days: readonly BusinessDay[];
}

export const dayMs = 86_400_000;
/** An event cannot be older (booking-event.ts); beyond the last day a business day is the UTC day. */
export const firstUtcDay: Day = Date.UTC(2000, 0, 1) / dayMs;
export const lastUtcDay: Day = Date.UTC(2060, 11, 31) / dayMs;

/**
 * The days of `timeZone` (IANA). A day begins when the zone's clock first shows it: a clock set back over midnight does not bring the
 * day before back. Throws CONFIG_INVALID for a zone that is not known, or whose day changes twice within a UTC day.
 */
export function businessCalendar(timeZone: string, from: Day = firstUtcDay, to: Day = lastUtcDay): BusinessCalendar {
  const offsetAt = offsetsOf(timeZone);
  const switches: DaySwitch[] = [];
  // One UTC day more on each side, so that the first and the last business day have a start and an end.
  let offset = offsetAt((from - 2) * dayMs);
  let current = dayAt((from - 2) * dayMs, offset);
  for (let utcDay = from - 2; utcDay <= to + 2; utcDay++) {
    const end = (utcDay + 1) * dayMs;
    const offsetAfter = offsetAt(end);
    current = Math.max(current, dayAt(utcDay * dayMs, offset)); // a midnight at the very start is no change within
    const firstDay = current;
    const changes = changesWithin(utcDay * dayMs, end, offset, offsetAfter, offsetAt).filter(([, day]) => {
      const newer = day > current;
      if (newer) current = day;
      return newer;
    });
    if (changes.length > 1) {
      throw new PlatformError('CONFIG_INVALID', `the day of ${timeZone} changes ${changes.length} times on ${dayText(utcDay)} (UTC)`);
    }
    const [switchesAt, nextDay] = changes[0] ?? [end, firstDay];
    switches.push({ utcDay, firstDay, switchesAt, nextDay });
    offset = offsetAfter;
  }
  const kept = switches.slice(2, -2);
  return { switches: kept, days: daysOf(switches, kept[0]?.firstDay ?? from, kept.at(-1)?.nextDay ?? to) };
}

const dayAt = (instant: number, offset: number): Day => Math.floor((instant + offset) / dayMs);

/** [instant, day from then on], in order, within (start, end): at a local midnight, or where the offset changes. */
function changesWithin(start: number, end: number, before: number, after: number, offsetAt: (at: number) => number): [number, Day][] {
  const turn = before === after ? end : firstOther(start, end, before, offsetAt);
  const changes: [number, Day][] = [];
  const midnights = (from: number, until: number, offset: number): void => {
    for (let day = dayAt(from, offset) + 1; day * dayMs - offset < until; day++) changes.push([day * dayMs - offset, day]);
  };
  midnights(start, turn, before);
  if (turn < end) {
    changes.push([turn, dayAt(turn, after)]);
    midnights(turn, end, after);
  }
  return changes;
}

/** The instant in (start, end] at which the offset stops being `offset`; zones change theirs at most once a day. */
function firstOther(start: number, end: number, offset: number, offsetAt: (at: number) => number): number {
  let [same, other] = [start, end];
  while (other - same > 1) {
    const middle = Math.floor((same + other) / 2);
    if (offsetAt(middle) === offset) same = middle;
    else other = middle;
  }
  return other;
}

function daysOf(switches: readonly DaySwitch[], first: Day, last: Day): BusinessDay[] {
  const days: BusinessDay[] = [];
  let open: { day: Day; startsAt: number } | undefined;
  const openUntil = (last: Day, startsAt: number): void => {
    for (let day = (open?.day ?? last - 1) + 1; day <= last; day++) {
      if (open !== undefined) days.push({ ...open, endsAt: startsAt });
      open = { day, startsAt };
    }
  };
  for (const { utcDay, firstDay, switchesAt, nextDay } of switches) {
    openUntil(firstDay, utcDay * dayMs);
    openUntil(nextDay, switchesAt);
  }
  return days.filter(({ day }) => day >= first && day <= last);
}

/** Local time minus UTC (ms) at an instant. */
function offsetsOf(timeZone: string): (at: number) => number {
  const fields = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' } as const;
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', { timeZone, calendar: 'gregory', numberingSystem: 'latn', hourCycle: 'h23', ...fields });
  } catch (cause) {
    throw new PlatformError('CONFIG_INVALID', `not a time zone: ${timeZone}; write it like Europe/Berlin`, { cause });
  }
  return (at) => {
    const [month = 0, day = 0, year = 0, hour = 0, minute = 0, second = 0] = (format.format(at).match(/\d+/g) ?? []).map(Number);
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1_000) * 1_000;
  };
}

/** `YYYY-MM-DD`. */
export const dayText = (day: Day): string => new Date(day * dayMs).toISOString().slice(0, 10);

/** ISO 8601: the year and week of a day's Thursday. Weekday 1 is Monday. */
export function isoWeekOf(day: Day): { readonly year: number; readonly week: number; readonly weekday: number } {
  const weekday = ((((day + 3) % 7) + 7) % 7) + 1; // 1970-01-01 was a Thursday
  const thursday = day - weekday + 4;
  const year = new Date(thursday * dayMs).getUTCFullYear();
  return { year, week: Math.floor((thursday - Date.UTC(year, 0, 1) / dayMs) / 7) + 1, weekday };
}
