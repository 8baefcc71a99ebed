import type { Alert } from '../../services/lib/rules/alert.ts';
import type { Paint } from './cells.ts';
import { counted, span, timeOfDay, utc } from './words.ts';

const shownAtEachEnd = 10;
const indent = '  ';

/**
 * The evidence as an axis from its first event to the newest, and below it a line per event with the gap to the one before.
 * `●` an event, a digit several in one place (`+`: more than 9), `◆` the newest, whose time is `at`; `▲` what triggered the alert.
 * `withinMs`: the span that the rule looks at, when that is known and it has one.
 */
export function timeline(alert: Alert, columns: number, paint: Paint, withinMs?: number): string[] {
  return [...axis(alert, columns, paint), ...windowBar(alert, withinMs), '', ...events(alert, paint)];
}

const firstOf = ({ evidence, at }: Alert): number => evidence[0]?.occurredAt ?? at;

/** The time of day alone, unless the evidence spans midnight. */
function clockOf(alert: Alert): (epochMs: number) => string {
  const isOneDay = utc(firstOf(alert)).slice(0, 10) === utc(alert.at).slice(0, 10);
  return isOneDay ? timeOfDay : (epochMs) => `${utc(epochMs).slice(0, 10)} ${timeOfDay(epochMs)}`;
}

function axis(alert: Alert, columns: number, paint: Paint): string[] {
  const { evidence, at, triggeredBy } = alert;
  const [from, clock] = [firstOf(alert), clockOf(alert)];
  const [left, right] = [clock(from), `at ${clock(at)}`];
  const last = Math.max(left.length + right.length + 2, columns - indent.length) - 1;
  const placeOf = (time: number): number => (at === from ? last : Math.round(((time - from) / (at - from)) * last));
  const counts = new Map<number, number>();
  for (const { occurredAt } of evidence) counts.set(placeOf(occurredAt), (counts.get(placeOf(occurredAt)) ?? 0) + 1);
  const line = Array.from({ length: last + 1 }, (_, place) => markOf(counts.get(place) ?? 0, place === last)).join('');
  const painted =
    line.slice(0, -1).replace(/─+|[^─]+/g, (run) => paint(run, run.startsWith('─') ? 'dim' : 'cyan')) + paint(line.slice(-1), 'red');
  const trigger = evidence.find(({ eventId }) => eventId === triggeredBy);
  const mark = trigger === undefined ? '(what triggered it is not among the events kept)' : besides(placeOf(trigger.occurredAt), last);
  const lines = [left + right.padStart(last + 1 - left.length), painted, mark];
  return lines.map((text) => indent + text);
}

function markOf(count: number, isNewest: boolean): string {
  if (count > 1) return count > 9 ? '+' : String(count);
  return count === 0 ? '─' : isNewest ? '◆' : '●';
}

/** `▲` at its place, the words on the side that has room for them. */
function besides(place: number, last: number): string {
  const words = 'triggered it';
  return place + words.length < last ? `${' '.repeat(place)}▲ ${words}` : `${words} ▲`.padStart(place + 1);
}

const barCells = 30;

function windowBar(alert: Alert, withinMs: number | undefined): string[] {
  if (withinMs === undefined) return [];
  const ms = alert.at - firstOf(alert);
  const used = Math.min(barCells, Math.round((ms / Math.max(1, withinMs)) * barCells));
  return [
    '',
    `${indent}window [${'█'.repeat(used)}${'░'.repeat(barCells - used)}] ${span(ms)} of the ${span(withinMs)} that the rule looks at`,
  ];
}

function events(alert: Alert, paint: Paint): string[] {
  const { evidence, evidenceCount, triggeredBy } = alert;
  const clock = clockOf(alert);
  const gaps = evidence.map(({ occurredAt }, i) => (i === 0 ? '' : `+${span(occurredAt - (evidence[i - 1]?.occurredAt ?? occurredAt))}`));
  const gapWidth = Math.max(3, ...gaps.map(({ length }) => length));
  const lines = evidence.map(({ eventId, occurredAt }, i) => {
    const newest = i === evidence.length - 1;
    const number = i < evidence.length / 2 ? i + 1 : evidenceCount - (evidence.length - 1 - i);
    const notes = [...(eventId === triggeredBy ? ['▲ triggered it'] : []), ...(newest ? ['◆ newest'] : [])].join(', ');
    const gap = paint((gaps[i] ?? '').padStart(gapWidth), 'dim');
    return `${indent}${String(number).padStart(4)}  ${clock(occurredAt)}  ${gap}  ${eventId}${notes === '' ? '' : `  ${paint(notes, 'red')}`}`;
  });
  const timeWidth = clock(alert.at).length;
  const header = paint(`${indent}   #  ${'TIME (UTC)'.padEnd(timeWidth)}  ${'GAP'.padStart(gapWidth)}  EVENT`, 'bold');
  if (lines.length <= 2 * shownAtEachEnd) return [header, ...lines];
  const hidden = paint(
    `${indent}   …  ${counted(evidenceCount - 2 * shownAtEachEnd, 'event')} between them, --json has those that were kept`,
    'dim',
  );
  return [header, ...lines.slice(0, shownAtEachEnd), hidden, ...lines.slice(-shownAtEachEnd)];
}
