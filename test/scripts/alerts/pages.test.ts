import assert from 'node:assert/strict';
import { stripVTControlCharacters } from 'node:util';
import { alertPage } from '../../../scripts/alerts/alert-page.ts';
import { cut, painter, printable, width } from '../../../scripts/alerts/cells.ts';
import { csvHeader, csvRow } from '../../../scripts/alerts/csv.ts';
import { listTable } from '../../../scripts/alerts/list-table.ts';
import { timeline } from '../../../scripts/alerts/timeline.ts';
import { plain, stateOf } from '../../../scripts/alerts/view.ts';
import { span } from '../../../scripts/alerts/words.ts';
import type { Condition } from '../../../services/lib/rules/compile.ts';
import { noon, recordOf } from './sample.ts';

const bare = painter(false);
const count: Condition = { kind: 'count', atLeast: 3, withinMs: 600_000 };
const id = (n: number): string => String(n).padStart(32, 'e');

describe('the timeline of an alert', () => {
  it('places the events in time, marks the newest and what triggered it, and says the gaps in words', () => {
    const { alert } = recordOf([0, 90_000, 300_000], { triggeredBy: id(2) });
    assert.deepEqual(timeline(alert, 43, bare, 600_000), [
      '  12:00:00.000              at 12:05:00.000',
      '  ●───────────●───────────────────────────◆',
      '              ▲ triggered it',
      '',
      '  window [███████████████░░░░░░░░░░░░░░░] 5 min of the 10 min that the rule looks at',
      '',
      '     #  TIME (UTC)            GAP  EVENT',
      `     1  12:00:00.000               ${id(1)}`,
      `     2  12:01:30.000  +1 min 30 s  ${id(2)}  ▲ triggered it`,
      `     3  12:05:00.000  +3 min 30 s  ${id(3)}  ◆ newest`,
    ]);
  });

  it('shows how many events fall into one place, and writes left of a mark that has no room on its right', () => {
    const [, line, mark] = timeline(recordOf([0, 1, 2, ...Array.from({ length: 12 }, (_, i) => 1_800_000 + i), 3_600_000]).alert, 43, bare);
    assert.equal(line, `  3${'─'.repeat(19)}+${'─'.repeat(19)}◆`);
    assert.equal(mark, `${' '.repeat(29)}triggered it ▲`);
  });

  it('has all at its end when all evidence is of one time', () => {
    const [, line] = timeline(recordOf([5, 5, 5]).alert, 43, bare, 0);
    assert.equal(line, `  ${'─'.repeat(40)}3`);
  });

  it('says the day too when the evidence spans midnight', () => {
    const text = timeline(recordOf([0, 43_200_000]).alert, 60, bare).join('\n');
    assert.ok(text.includes('at 2026-11-24 00:00:00.000') && text.includes('2026-11-23 12:00:00.000'));
  });

  it('leaves out the middle of long evidence, and numbers what comes after it as in the whole', () => {
    const { alert } = recordOf(
      Array.from({ length: 100 }, (_, i) => i * 1_000),
      { evidenceCount: 140 },
    );
    const lines = timeline(alert, 80, bare);
    const numbers = lines.map((line) => /^ +(\d+|…) {2}/.exec(line)?.[1]).filter((n) => n !== undefined);
    assert.deepEqual(numbers, [
      '1',
      '2',
      '3',
      '4',
      '5',
      '6',
      '7',
      '8',
      '9',
      '10',
      '…',
      ...Array.from({ length: 10 }, (_, i) => String(131 + i)),
    ]);
    assert.ok(lines.some((line) => line.includes('120 events between them')));
  });

  it('is the same in colour', () => {
    const { alert } = recordOf([0, 1, 2, 90_000, 300_000]);
    const colored = timeline(alert, 80, painter(true), 600_000);
    assert.ok(colored.join('').includes('\u001b['));
    assert.deepEqual(
      colored.map((line) => stripVTControlCharacters(line)),
      timeline(alert, 80, bare, 600_000),
    );
  });

  it('tells when what triggered it is not among the events that were kept', () => {
    assert.match(timeline(recordOf([0, 1], { triggeredBy: 'another' }).alert, 80, bare)[2] ?? '', /not among the events kept/);
  });
});

describe('the page of an alert', () => {
  const found = (condition: Condition | undefined, value = 3): string =>
    alertPage(recordOf([0, 90_000, 300_000], { value }), condition, 80, bare).find((line) => line.startsWith('found')) ?? '';

  it('holds the value against what the rule asks for', () => {
    assert.equal(found(count), 'found       3 events in 5 min; the rule asks for 3 within 10 min');
    const sum: Condition = { kind: 'sum', field: 'amountMinor', atLeast: 100_000, withinMs: 3_600_000 };
    assert.equal(
      found(sum, 123_456),
      'found       amountMinor of 123,456 in all, from 3 events in 5 min; the rule asks for 100,000 within 1 h',
    );
    const distinct: Condition = { kind: 'distinct', field: 'tourId', atLeast: 2, withinMs: 3_600_000 };
    assert.equal(found(distinct, 2), 'found       2 values of tourId, from 3 events in 5 min; the rule asks for 2 within 1 h');
    const of = { open: 'reserved', close: 'cancelled', on: 'bookingId', maxGapMs: 1 } as const;
    const pairs: Condition = { kind: 'pairs', ...of, atLeast: 1, withinMs: 60_000 };
    assert.equal(found(pairs, 1), 'found       1 pair of reserved and cancelled in 5 min; the rule asks for 1 within 1 min');
    const session: Condition = { kind: 'session', gapMs: 90_000, atLeast: 3 };
    assert.equal(found(session), 'found       3 events in one session in 5 min; the rule asks for 3 with no pause above 1 min 30 s');
    assert.match(found(undefined), /value 3 from 3 events in 5 min; its rule is not known here \(--objects URL/);
  });

  it('tells in which state the alert is, and how long that took', () => {
    const state = (of: Parameters<typeof recordOf>[2], mode: 'live' | 'shadow' = 'live') =>
      alertPage(recordOf([0], { mode }, of), count, 80, bare).find((line) => line.startsWith('state')) ?? '';
    assert.equal(state({ publishedAt: noon + 900 }), 'state       published 2026-11-23 12:00:00 UTC, 700 ms after its event arrived');
    assert.equal(state({ pending: true }), 'state       pending: not published yet');
    assert.match(state({ withheldAt: noon }), /withheld 2026-11-23 12:00:00 UTC by the kill switch; npm run alerts -- release/);
    const refused = 'InvalidParameterException: \u001b[2JMessage too long';
    assert.match(
      state({ withheldAt: noon, refused }),
      /refused 2026-11-23 12:00:00 UTC: Inv.*: \ufffd\[2JMessage too long; npm run alerts -- release/,
    );
    assert.match(state({}, 'shadow'), /stored: its rule is in shadow/);
  });

  it('warns when the rule was warming', () => {
    const isWarned = (of: Parameters<typeof recordOf>[2]) =>
      alertPage(recordOf([0], {}, of), count, 80, bare).some((l) => l.startsWith('warming'));
    assert.deepEqual([isWarned({ warming: true }), isWarned({})], [true, false]);
  });
});

describe('the list of alerts', () => {
  const records = [
    recordOf([0], {}, { publishedAt: noon }),
    recordOf([1_000], { key: '予約者一二三四五六', value: 1_234_567, mode: 'shadow', severity: 'medium' }, { warming: true }),
  ];

  it('aligns its columns, wide letters included', () => {
    assert.deepEqual(listTable(records, undefined, bare), [
      'RAISED (UTC)         STATE      MODE             SEVERITY  RULE                     USER                    VALUE  ALERT',
      `2026-11-23 12:00:00  published  live             high      reserve-cancel-churn v1  user-7                      1  ${records[0]?.alert.alertId}`,
      `2026-11-23 12:00:01  stored     shadow, warming  medium    reserve-cancel-churn v1  予約者一二三四五六  1,234,567  ${records[0]?.alert.alertId}`,
    ]);
  });

  it('cuts rule and user until a line fits, never the id, and colours without moving a column', () => {
    const lines = listTable(records, 130, bare);
    assert.ok(lines.every((line) => width(line) <= 130));
    assert.match(lines[2] ?? '', / reserve-can… {2}予約者一二… {2}/);
    assert.ok(listTable(records, 40, bare).every((line, i) => i === 0 || line.endsWith(records[0]?.alert.alertId ?? '')));
    assert.deepEqual(
      listTable(records, 130, painter(true)).map((line) => stripVTControlCharacters(line)),
      lines,
    );
  });

  it('shows nothing that steers a terminal', () => {
    assert.equal(printable('a\u001b[31mb\u202ec\nd'), 'a\ufffd[31mb\ufffdc\ufffdd');
    assert.ok(
      !listTable([recordOf([0], { key: 'x\u001b[2J' })], undefined, bare)
        .join('')
        .includes('\u001b'),
    );
  });

  it('cuts between letters, with room for the mark', () => {
    assert.deepEqual([cut('abcdef', 6), cut('abcdef', 5), cut('予約者', 5)], ['abcdef', 'abcd…', '予約…']);
  });
});

describe('an exported alert', () => {
  it('has as many cells as its header', () => {
    assert.equal(csvRow(recordOf([0])).split(',').length, csvHeader.split(',').length);
    assert.ok(csvRow(recordOf([0], {}, { publishedAt: noon })).includes(',2026-11-23T12:00:00.000Z,,1,1,'));
  });

  it('is quoted where it must be, and never a formula', () => {
    const user = (key: string) => csvRow(recordOf([0], { key }));
    assert.ok(user('a,"b"\n').includes('false,"a,""b""\n",2026'));
    for (const begin of ['=', '+', '-', '@', '\t']) assert.ok(user(`${begin}1`).includes(`,'${begin}1,`));
    assert.ok(user('\r=1').includes(`,"'\r=1",`));
  });

  it('has one state', () => {
    const states = [{ pending: true }, { publishedAt: 1 }, { withheldAt: 1 }, { withheldAt: 1, refused: 'why' }, {}].map((of) =>
      stateOf(recordOf([0], {}, of)),
    );
    assert.deepEqual(states, ['pending', 'published', 'withheld', 'refused', 'stored']);
    assert.deepEqual(plain(recordOf([0])).warming, false);
  });
});

describe('a span in words', () => {
  it('is said in its two largest units', () => {
    const said = [0, 999, 1_000, 1_550, 59_999, 60_000, 252_500, 3_600_000, 90_000_000, 176_400_000].map(span);
    assert.deepEqual(said, ['0 ms', '999 ms', '1 s', '1.5 s', '59.9 s', '1 min', '4 min 12 s', '1 h', '1 d 1 h', '2 d 1 h']);
  });
});
