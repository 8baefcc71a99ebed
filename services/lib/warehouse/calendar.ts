import { PlatformError } from '../process/errors.ts';
import { type BusinessCalendar, type BusinessDay, businessCalendar, type DaySwitch, dayText, isoWeekOf } from './business-days.ts';
import type { Table } from './columns.ts';
import { recomputeCurrentRows } from './current-rows.ts';
import type { Database, Session } from './database.ts';
import { takeGate } from './gate.ts';
import { recomputeKpis } from './kpi.ts';
import { columnNames } from './model.ts';
import { businessDaySwitch, dimDate } from './model-reporting.ts';
import { integerLiteral, literal, timestampText } from './sql.ts';
import { refreshStatistics } from './statistics.ts';

const zoneSetting = literal('business_time_zone');
const rowsPerStatement = 1_000;

/**
 * Makes `timeZone` (IANA) the business time zone: fills business_day_switch and dim_date, behind the gate. The first time it also counts
 * what is loaded already, and with `rebuild` all that loads derive from the events. Changes nothing when all stands as it should; resolves to what it did.
 * Figures that stand under other days would not agree with those to come: rejects with WAREHOUSE_SCHEMA when there are any and the zone,
 * or its clock's rules on their days, are others, without `rebuild`. CONFIG_INVALID: not a zone.
 */
export async function applyCalendar(
  database: Database,
  timeZone: string,
  { rebuild = false }: { readonly rebuild?: boolean } = {},
): Promise<'unchanged' | 'filled' | 'rebuilt'> {
  const calendar = businessCalendar(timeZone);
  return behindGate(database, async (session) => {
    const zone = await readTimeZone(session);
    const changed = await changedDays(session, calendar.switches);
    if (zone === timeZone && changed === undefined && !rebuild) return 'unchanged';
    if (zone !== undefined && !rebuild) await refuseOverFigures(session, zone, timeZone, changed);
    await fill(session, timeZone, calendar);
    if (zone !== undefined && !rebuild) return 'filled';
    await recomputeAll(session);
    return 'rebuilt';
  });
}

/** What `rebuilt` means, in words. */
export const rebuiltFromEvents = 'kpi_hourly and booking, and dim_tour has the tours that it lacked';

/** All that loads derive from the events, by the calendar as it stands: after events came in by hand, or what is derived was lost. */
export async function rebuildFromEvents(database: Database): Promise<void> {
  await behindGate(database, recomputeAll);
}

async function recomputeAll(session: Session): Promise<void> {
  await recomputeKpis(session);
  await recomputeCurrentRows(session);
}

/** Undefined before the first applyCalendar. */
export async function readTimeZone(session: Session): Promise<string | undefined> {
  const { rows } = await session.query(`SELECT value FROM warehouse_setting WHERE name = ${zoneSetting}`);
  return rows.length === 0 ? undefined : String(rows[0]?.['value']);
}

async function behindGate<T>(database: Database, work: (session: Session) => Promise<T>): Promise<T> {
  const session = await database.connect();
  try {
    await session.query('BEGIN');
    await takeGate(session);
    const result = await work(session);
    await session.query('COMMIT');
    return result;
  } finally {
    await session.close();
  }
}

type Span = readonly [first: string, last: string];

/** The first and the last UTC day whose row is not as it should be. */
async function changedDays(session: Session, switches: readonly DaySwitch[]): Promise<Span | undefined> {
  const day = (column: string): string => `TO_CHAR(${column}, 'YYYY-MM-DD')`;
  const { rows } = await session.query(
    `SELECT ${day('utc_day')} AS utc_day, ${day('first_day')} AS first_day, ${day('next_day')} AS next_day,
      TO_CHAR(switches_at, 'YYYY-MM-DD HH24:MI:SS.MS') AS switches_at FROM business_day_switch`,
  );
  const stored = new Map(
    rows.map((row) => [
      String(row['utc_day']),
      columnNames(businessDaySwitch)
        .map((c) => String(row[c]))
        .join(' '),
    ]),
  );
  const changed = switches.filter((one) => stored.get(dayText(one.utcDay)) !== switchTexts(one).join(' '));
  const [first, last] = [changed[0], changed.at(-1)];
  return first && last && [dayText(first.utcDay), dayText(last.utcDay)];
}

async function refuseOverFigures(session: Session, zone: string, timeZone: string, changed: Span | undefined): Promise<void> {
  const others = zone !== timeZone;
  const [first, last] = (changed ?? []).map(literal);
  const { rows } = await session.query(
    `SELECT COUNT(*) AS n FROM kpi_hourly${others ? '' : ` WHERE CAST(hour AS DATE) >= ${first} AND CAST(hour AS DATE) <= ${last}`}`,
  );
  if (Number(rows[0]?.['n']) === 0) return;
  const what = others
    ? `the figures stand by the days of ${zone}, not of ${timeZone}`
    : `the clock rules of ${timeZone} were changed for days from ${changed?.join(' to ')}, for which figures stand`;
  throw new PlatformError('WAREHOUSE_SCHEMA', `${what}; ask for a rebuild to count them anew`);
}

async function fill(session: Session, timeZone: string, { switches, days }: BusinessCalendar): Promise<void> {
  await replaceRows(
    session,
    businessDaySwitch,
    switches.map((one) => switchTexts(one).map(literal)),
  );
  await replaceRows(session, dimDate, days.map(dateValues));
  await refreshStatistics(session, [businessDaySwitch.name, dimDate.name]);
  await session.query(`DELETE FROM warehouse_setting WHERE name = ${zoneSetting}`);
  await session.query(`INSERT INTO warehouse_setting (name, value) VALUES (${zoneSetting}, ${literal(timeZone)})`);
}

async function replaceRows(session: Session, table: Table, rows: readonly (readonly string[])[]): Promise<void> {
  await session.query(`DELETE FROM ${table.name}`);
  const insert = `INSERT INTO ${table.name} (${columnNames(table).join(', ')}) VALUES`;
  for (let at = 0; at < rows.length; at += rowsPerStatement) {
    const values = rows.slice(at, at + rowsPerStatement).map((row) => `(${row.join(', ')})`);
    await session.query(`${insert} ${values.join(',\n')}`);
  }
}

const switchTexts = ({ utcDay, firstDay, switchesAt, nextDay }: DaySwitch): string[] => [
  dayText(utcDay),
  dayText(firstDay),
  timestampText(switchesAt),
  dayText(nextDay),
];

function dateValues({ day, startsAt, endsAt }: BusinessDay): string[] {
  const text = dayText(day);
  const [year = 0, month = 0, dayOfMonth = 0] = text.split('-').map(Number);
  const iso = isoWeekOf(day);
  const numbers = [year, Math.ceil(month / 3), month, dayOfMonth, iso.week, iso.year, iso.weekday, iso.weekday > 5 ? 1 : 0];
  return [...[text, timestampText(startsAt), timestampText(endsAt)].map(literal), ...numbers.map(integerLiteral)];
}
