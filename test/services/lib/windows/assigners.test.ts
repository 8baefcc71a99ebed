import assert from 'node:assert/strict';
import fc from 'fast-check';
import { GlobalWindows } from '../../../../services/lib/windows/assigners/global.ts';
import { HoppingWindows } from '../../../../services/lib/windows/assigners/hopping.ts';
import { IndexedWindows } from '../../../../services/lib/windows/assigners/indexed.ts';
import { hasMerged, mergeInto, mergeWindows } from '../../../../services/lib/windows/assigners/merge.ts';
import { SessionWindows } from '../../../../services/lib/windows/assigners/session.ts';
import { StaggerWindows } from '../../../../services/lib/windows/assigners/stagger.ts';
import { TumblingWindows } from '../../../../services/lib/windows/assigners/tumbling.ts';
import { staggerOffset } from '../../../../services/lib/windows/assigners/window-stagger.ts';
import { addTime, maxTime, minTime } from '../../../../services/lib/windows/time.ts';
import { globalWindow, TimeWindow, windowStart } from '../../../../services/lib/windows/time-window.ts';
import { WindowError } from '../../../../services/lib/windows/window-error.ts';

const bounds = (windows: readonly TimeWindow[]) => windows.map(({ start, end }) => [start, end]);
const invalid = (make: () => unknown, message: RegExp) =>
  assert.throws(
    make,
    (error: unknown) => error instanceof WindowError && error.code === 'PARAMETER_INVALID' && message.test(error.message),
  );
const anyTime = fc.integer({ min: minTime + 1, max: maxTime - 1 });

describe('time', () => {
  it('is held at its extremes', () => {
    assert.equal(addTime(maxTime - 1, 5), maxTime);
    assert.equal(addTime(minTime + 1, -5), minTime);
    assert.equal(addTime(maxTime, maxTime), maxTime);
    assert.equal(addTime(maxTime - 1, 1), maxTime);
    assert.equal(addTime(5, -3), 2);
  });

  it('has a window start that is exact for all safe integers: no sum on the way loses a digit', () => {
    fc.assert(
      fc.property(anyTime, fc.integer({ min: 1, max: maxTime - 1 }), fc.integer(), (time, size, shift) => {
        const offset = shift % size;
        const exact = BigInt(time) - ((((BigInt(time) - BigInt(offset)) % BigInt(size)) + BigInt(size)) % BigInt(size));
        const held = exact < BigInt(minTime) ? minTime : Number(exact);
        assert.equal(windowStart(time, offset, size), held);
      }),
    );
  });
});

describe('tumbling windows', () => {
  it('hold every time at the extremes, and end there', () => {
    const windows = new TumblingWindows({ size: 1_000 });
    for (const time of [minTime + 1, maxTime - 1]) assert.ok(windows.windowOf(time).contains(time));
    assert.equal(windows.windowOf(maxTime - 1).end, maxTime);
    assert.equal(windows.windowOf(minTime + 1).start, minTime);
  });

  it('take any offset whose size is below theirs, or as in Beam none below 0', () => {
    for (const offset of [-9, 0, 9]) assert.doesNotThrow(() => new TumblingWindows({ size: 10, offset }));
    for (const offset of [-10, 10, 0.5, Number.NaN]) invalid(() => new TumblingWindows({ size: 10, offset }), /from -9 to 9/);
    invalid(() => new TumblingWindows({ size: 10, offset: -1, offsets: 'non-negative' }), /from 0 to 9/);
    for (const size of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) invalid(() => new TumblingWindows({ size }), /at least 1/);
  });
});

describe('hopping windows', () => {
  it('hold a time in the last millisecond of a window and not at its end', () => {
    const windows = new HoppingWindows({ size: 10, slide: 5 });
    assert.deepEqual(bounds(windows.assign(9)), [
      [0, 10],
      [5, 15],
    ]);
    assert.deepEqual(bounds(windows.assign(10)), [
      [5, 15],
      [10, 20],
    ]);
  });

  it('may leave gaps, unless as in Kafka these are rejected', () => {
    assert.deepEqual(new HoppingWindows({ size: 3, slide: 10 }).assign(3), []);
    invalid(() => new HoppingWindows({ size: 3, slide: 10, gaps: 'rejected' }), /must not exceed size, got 10 > 3/);
    assert.doesNotThrow(() => new HoppingWindows({ size: 10, slide: 10, gaps: 'rejected' }));
  });

  it('may leave out those that start before 0, as in Kafka', () => {
    assert.deepEqual(bounds(new HoppingWindows({ size: 10, slide: 5, negativeStarts: 'left-out' }).assign(4)), [[0, 10]]);
  });

  it('have a limit on the windows of one record', () => {
    assert.doesNotThrow(() => new HoppingWindows({ size: 100_000, slide: 1 }));
    invalid(() => new HoppingWindows({ size: 100_001, slide: 1 }), /more than 100000 windows/);
  });

  it('are those of which the time lies in [start, end), at the extremes too', () => {
    fc.assert(
      fc.property(anyTime, fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 50 }), (time, size, slide) => {
        const windows = new HoppingWindows({ size, slide }).assign(time);
        assert.ok(windows.every((window) => window.contains(time)));
        const phase = ((time % slide) + slide) % slide;
        assert.equal(windows.length, phase >= size ? 0 : Math.floor((size - 1 - phase) / slide) + 1);
      }),
    );
  });
});

describe('windows by index', () => {
  it('are found by their number as by their time', () => {
    const windows = new IndexedWindows({ size: 10, slide: 3, alignTo: 100 });
    fc.assert(
      fc.property(fc.integer({ min: -1e9, max: 1e9 }), (time) => {
        assert.deepEqual(bounds(windows.indexesOf(time).map((n) => windows.window(n))), bounds(windows.assign(time)));
      }),
    );
    assert.deepEqual(bounds([windows.window(-1)]), [[97, 107]]);
  });
});

describe('sessions', () => {
  const first = new TimeWindow(0, 10);

  it('exactly a gap apart are one or two, as the convention says', () => {
    for (const [convention, windows] of [
      ['touching-merges', 1],
      ['gap-exclusive', 2],
      ['inclusive-bounds', 1],
    ] as const) {
      const sessions = new SessionWindows({ gap: 10, convention });
      const merged = mergeWindows([...sessions.assign(0), ...sessions.assign(10)], sessions.merging);
      assert.equal(merged.length, windows, convention);
      assert.equal(mergeWindows([...sessions.assign(0), ...sessions.assign(11)], sessions.merging).length, 2, convention);
      assert.equal(mergeWindows([...sessions.assign(0), ...sessions.assign(9)], sessions.merging).length, 1, convention);
    }
  });

  it('are told with their last record, or with the gap behind it', () => {
    const told = (convention: 'touching-merges' | 'inclusive-bounds') => {
      const sessions = new SessionWindows({ gap: 10, convention });
      return sessions.boundsOf(sessions.assign(5)[0] ?? first);
    };
    assert.deepEqual(told('touching-merges'), [5, 15]);
    assert.deepEqual(told('inclusive-bounds'), [5, 5]);
  });

  it('have merged when a window joined others or made one larger, not when one already held it', () => {
    const merged = (start: number, end: number) =>
      hasMerged(mergeInto([first, new TimeWindow(20, 30)], new TimeWindow(start, end), 'merge'));
    assert.deepEqual([merged(2, 5), merged(0, 10), merged(40, 50), merged(5, 12), merged(10, 20)], [false, false, false, true, true]);
  });

  it('merged one by one are those merged at once, in any order', () => {
    const window = fc.tuple(fc.nat(60), fc.nat(9)).map(([start, size]) => new TimeWindow(start, start + size + 1));
    fc.assert(
      fc.property(fc.array(window, { maxLength: 12 }), fc.constantFrom('merge' as const, 'separate' as const), (windows, touching) => {
        let open: readonly TimeWindow[] = [];
        for (const added of windows) {
          const { window: whole, absorbed } = mergeInto(open, added, touching);
          open = [...open.filter((other) => !absorbed.includes(other)), whole];
        }
        assert.deepEqual(bounds([...open].sort((a, b) => a.start - b.start)), bounds(mergeWindows(windows, touching)));
      }),
    );
  });

  it('need a gap', () => {
    for (const gap of [0, -1, 0.5]) invalid(() => new SessionWindows({ gap }), /gap must be a whole number of at least 1/);
  });
});

describe('stagger windows', () => {
  const stagger = new StaggerWindows({ age: 10 });
  const open = [new TimeWindow(5, 15), new TimeWindow(0, 10)];
  const assigned = (time: number) => bounds(stagger.assign(time, { openWindows: () => open }));

  it('take a record into the window that started first, up to its end', () => {
    assert.deepEqual([assigned(0), assigned(9), assigned(10), assigned(14)], [[[0, 10]], [[0, 10]], [[5, 15]], [[5, 15]]]);
  });

  it('open one at a record that none holds', () => {
    assert.deepEqual([assigned(15), assigned(-1)], [[[15, 25]], [[-1, 9]]]);
  });
});

describe('the global window', () => {
  it('holds all time', () => {
    assert.deepEqual(new GlobalWindows().assign(), [globalWindow]);
    assert.ok(globalWindow.contains(minTime + 1) && globalWindow.contains(maxTime - 1));
  });
});

describe("the offset of one worker's windows", () => {
  it('is none, a share of the size, or makes a window start at its first record', () => {
    assert.equal(staggerOffset({ kind: 'aligned' }, 100, 7), 7);
    assert.equal(staggerOffset({ kind: 'random', share: 0.999 }, 100), 99);
    assert.equal(staggerOffset({ kind: 'random', share: 0 }, 100), 0);
    assert.equal(staggerOffset({ kind: 'natural', now: 250 }, 100, 60), 10);
    assert.equal(new TumblingWindows({ size: 100, offset: staggerOffset({ kind: 'natural', now: 257 }, 100) }).windowOf(257).start, 257);
  });

  it('takes no share outside [0, 1)', () => {
    for (const share of [1, -0.1, Number.NaN]) invalid(() => staggerOffset({ kind: 'random', share }, 100), /below 1/);
  });
});
