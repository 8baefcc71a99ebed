import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type BusinessCalendar, businessCalendar, dayMs, dayText, isoWeekOf } from '../../../../services/lib/warehouse/business-days.ts';

const day = (text: string): number => Date.parse(`${text}T00:00:00Z`) / dayMs;
const instant = (ms: number): string => new Date(ms).toISOString().slice(0, 16);

function dayOf({ switches }: BusinessCalendar, at: number): string {
  const row = switches.find((one) => one.utcDay === Math.floor(at / dayMs));
  assert(row);
  return dayText(at < row.switchesAt ? row.firstDay : row.nextDay);
}

/** Days around every change of the clock there is to worry about. */
const windows: readonly (readonly [zone: string, around: string])[] = [
  ['UTC', '2026-03-29'],
  ['Europe/Berlin', '2026-03-29'],
  ['Europe/Berlin', '2026-10-25'],
  ['Europe/London', '2026-03-29'],
  ['Atlantic/Azores', '2026-10-25'],
  ['America/New_York', '2026-11-01'],
  ['America/Sao_Paulo', '2018-11-04'], // at midnight: the day begins at 01:00
  ['Asia/Kolkata', '2026-06-01'],
  ['Asia/Kathmandu', '2026-06-01'],
  ['Australia/Lord_Howe', '2026-04-05'], // by half an hour
  ['Pacific/Apia', '2011-12-30'], // a day that never was
  ['Africa/Casablanca', '2012-04-29'],
  ['Antarctica/Troll', '2005-03-27'], // by two hours, at UTC
];

describe('business days', () => {
  for (const [zone, around] of windows) {
    it(`are what the clock of ${zone} shows, around ${around}`, () => {
      const format = new Intl.DateTimeFormat('en-CA', { timeZone: zone, dateStyle: 'short' });
      const [from, to] = [day(around) - 3, day(around) + 3];
      const calendar = businessCalendar(zone, from, to);
      for (let at = from * dayMs; at < (to + 1) * dayMs; at += 300_000) {
        assert.equal(dayOf(calendar, at), format.format(at), instant(at));
        assert.equal(dayOf(calendar, at + 299_999), format.format(at + 299_999), instant(at));
      }
      for (const [i, one] of calendar.days.entries()) {
        const before = calendar.days[i - 1];
        if (before) assert.deepEqual([one.day, one.startsAt], [before.day + 1, before.endsAt], 'days follow each other');
        if (one.startsAt >= from * dayMs && one.startsAt < one.endsAt) {
          assert.equal(format.format(one.startsAt), dayText(one.day));
          assert.notEqual(format.format(one.startsAt - 1), dayText(one.day), 'not before');
        }
      }
      assert(calendar.days.length >= to - from + 1);
    });
  }

  it('have 23 and 25 hours where the clock changes, none where the zone skipped them', () => {
    const hours = (zone: string, text: string): number => {
      const one = businessCalendar(zone, day(text), day(text)).days.find((d) => dayText(d.day) === text);
      assert(one);
      return (one.endsAt - one.startsAt) / 3_600_000;
    };
    assert.equal(hours('Europe/Berlin', '2026-03-29'), 23);
    assert.equal(hours('Europe/Berlin', '2026-10-25'), 25);
    assert.equal(hours('Australia/Lord_Howe', '2026-04-05'), 24.5);
    assert.equal(hours('Pacific/Apia', '2011-12-30'), 0);
  });

  it('begin once where the clock was set back over midnight', () => {
    // St. John's, 2005-10-30 00:01 → 2005-10-29 23:01.
    const { days } = businessCalendar('America/St_Johns', day('2005-10-29'), day('2005-10-31'));
    const thirtieth = days.find((one) => dayText(one.day) === '2005-10-30');
    assert.deepEqual(thirtieth && [instant(thirtieth.startsAt), instant(thirtieth.endsAt)], ['2005-10-30T02:30', '2005-10-31T03:30']);
  });

  it('cover every event there can be until 2060', () => {
    const { switches, days } = businessCalendar('Asia/Kathmandu');
    assert.deepEqual([dayText(switches[0]?.utcDay ?? 0), dayText(switches.at(-1)?.utcDay ?? 0)], ['2000-01-01', '2060-12-31']);
    assert.equal(switches.length, day('2061-01-01') - day('2000-01-01'));
    const known = new Set(days.map((one) => one.day));
    for (const one of switches) assert(known.has(one.firstDay) && known.has(one.nextDay));
  });

  it('are refused for what is no zone', () => {
    assert.throws(() => businessCalendar('Mars/Olympus'), { code: 'CONFIG_INVALID', message: /Europe\/Berlin/ });
  });

  it('know their ISO week', () => {
    const cases = [
      ['2020-12-31', 2020, 53, 4],
      ['2021-01-03', 2020, 53, 7],
      ['2021-01-04', 2021, 1, 1],
      ['2024-12-30', 2025, 1, 1],
      ['1999-12-31', 1999, 52, 5],
    ] as const;
    for (const [text, year, week, weekday] of cases) assert.deepEqual(isoWeekOf(day(text)), { year, week, weekday }, text);
    fc.assert(
      fc.property(fc.integer({ min: 10_000, max: 33_000 }), (at) => {
        const [here, next] = [isoWeekOf(at), isoWeekOf(at + 7)];
        assert.equal(here.weekday, new Date(at * dayMs).getUTCDay() || 7);
        assert(next.week === here.week + 1 || (next.week === 1 && here.week >= 52 && next.year === here.year + 1));
      }),
    );
  });
});
