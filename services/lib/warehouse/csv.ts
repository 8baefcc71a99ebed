import type { BookingEvent } from '../events/booking-event.ts';
import { deadLetter, type Outcome, ok } from '../events/outcome.ts';
import { timestampText } from './sql.ts';

/**
 * The staged form of an event: one CSV line that `COPY … CSV` of Redshift and of Postgres read alike.
 * Texts are always quoted, quotes doubled; null is the unquoted `\N` (Redshift's default NULL AS). Line breaks stay inside the quotes.
 */
export const nullField = '\\N';

/** SUPER nests at most 1,000 levels, jsonb is bounded by the server's stack; one row beyond would fail every COPY it is part of. */
export const maxNesting = 500;

const replacement = '\uFFFD';
// NUL fits no warehouse text (COPY of Redshift takes it for the end of the record). Lone surrogates become U+FFFD by themselves
// when the line is encoded as UTF-8.
const nul = '\u0000';

export function textField(value: string): string {
  // A value that spells the null marker would be read as null by Redshift, quoted or not.
  const loadable = value === nullField ? `${replacement}N` : value.replaceAll(nul, replacement);
  return `"${loadable.replaceAll('"', '""')}"`;
}

// JSON.stringify writes NUL and lone surrogates, which jsonb refuses, as escapes; every escape is matched whole, so that an
// escaped backslash before the letters `u0000` is not mistaken for one.
const jsonEscape = /\\(?:u[0-9a-f]{4}|.)/g;
const unloadableEscape = /^\\u(?:0000|d[89a-f])/;

export function jsonField(value: unknown, name: string): Outcome<string, never, 'unloadable'> {
  let json: string;
  try {
    json = JSON.stringify(value);
  } catch (thrown) {
    return deadLetter('unloadable', `${name} cannot be written as JSON: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
  const depth = nestingOf(json);
  if (depth > maxNesting) return deadLetter('unloadable', `${name} nests ${depth} levels deep, more than ${maxNesting}`);
  const clean = json.replace(jsonEscape, (escape) => (unloadableEscape.test(escape) ? replacement : escape));
  return ok(`"${clean.replaceAll('"', '""')}"`);
}

function nestingOf(json: string): number {
  let depth = 0;
  let deepest = 0;
  let inText = false;
  for (let i = 0; i < json.length; i++) {
    const c = json.charCodeAt(i);
    if (inText) {
      if (c === 0x5c) i++;
      else if (c === 0x22) inText = false;
    } else if (c === 0x22) inText = true;
    else if (c === 0x5b || c === 0x7b) deepest = Math.max(deepest, ++depth);
    else if (c === 0x5d || c === 0x7d) depth--;
  }
  return deepest;
}

/** An event's fields after `file_id,line`, in the column order of booking_event, with the line break. */
export function eventFields(event: BookingEvent, arrivedAtMs: number): Outcome<string, never, 'unloadable'> {
  const extra = event.extra === undefined ? ok(nullField) : jsonField(event.extra, 'extra');
  if (extra.kind !== 'ok') return extra;
  const fields = [
    textField(event.bookingId),
    String(event.version),
    textField(event.eventId),
    textField(event.type),
    textField(event.userId),
    textField(event.tourId),
    timestampText(event.occurredAt),
    String(event.seats),
    String(event.amountMinor),
    textField(event.currency),
    textField(event.channel),
    textField(event.source),
    event.traceparent === undefined ? nullField : textField(event.traceparent),
    extra.value,
    timestampText(arrivedAtMs),
  ];
  return ok(`${fields.join(',')}\n`);
}

/** The lines of one file: `fields` are results of eventFields; `line` counts from 1 and stays a row's own when another one goes. */
export function csvFile(fileId: string, rows: readonly { readonly line: number; readonly fields: string }[]): Buffer {
  return Buffer.from(rows.map(({ line, fields }) => `${fileId},${line},${fields}`).join(''), 'utf8');
}
