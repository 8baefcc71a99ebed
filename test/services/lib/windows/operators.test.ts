import assert from 'node:assert/strict';
import { collect } from '../../../../services/lib/windows/aggregates/collect.ts';
import { distinct } from '../../../../services/lib/windows/aggregates/distinct.ts';
import { sum } from '../../../../services/lib/windows/aggregates/sum.ts';
import { GlobalWindows } from '../../../../services/lib/windows/assigners/global.ts';
import { HoppingWindows } from '../../../../services/lib/windows/assigners/hopping.ts';
import { SessionWindows } from '../../../../services/lib/windows/assigners/session.ts';
import { TumblingWindows } from '../../../../services/lib/windows/assigners/tumbling.ts';
import { CountEvictor } from '../../../../services/lib/windows/evictors/count.ts';
import { TimeEvictor } from '../../../../services/lib/windows/evictors/time.ts';
import { LookBackOperator } from '../../../../services/lib/windows/operators/look-back-operator.ts';
import { beamPanes, type Pane } from '../../../../services/lib/windows/operators/pane.ts';
import { WindowOperator } from '../../../../services/lib/windows/operators/window-operator.ts';
import { SlidingWindows } from '../../../../services/lib/windows/stream-time/sliding-windows.ts';
import { StreamTimeSessions } from '../../../../services/lib/windows/stream-time/stream-time-sessions.ts';
import { StreamTimeWindows } from '../../../../services/lib/windows/stream-time/stream-time-windows.ts';
import { maxTime, minTime } from '../../../../services/lib/windows/time.ts';
import { ContinuousEventTimeTrigger } from '../../../../services/lib/windows/triggers/continuous-event-time.ts';
import { CountTrigger } from '../../../../services/lib/windows/triggers/count.ts';
import { FirstOfTrigger } from '../../../../services/lib/windows/triggers/first-of.ts';
import { fireAndPurge, goOn, purge, type Trigger } from '../../../../services/lib/windows/triggers/trigger.ts';
import { WindowError } from '../../../../services/lib/windows/window-error.ts';

const at = <V>(timestamp: number, value: V, key = 'k') => ({ key, timestamp, value });
const values = (panes: readonly Pane<unknown>[]) => panes.map(({ value }) => value);

describe('the window operator', () => {
  it('says of each window whether a record came too late for it', () => {
    const operator = new WindowOperator({ assigner: new HoppingWindows({ size: 10, slide: 5 }), aggregate: sum });
    operator.advanceWatermark(9);
    const { outcome, missed } = operator.process(at(7, 1));
    assert.equal(outcome, 'used');
    assert.deepEqual(
      missed.map(({ start, end }) => [start, end]),
      [[0, 10]],
    );
    assert.equal(operator.process(at(4, 1)).outcome, 'late');
  });

  it('takes a late record up to the last moment of the allowed lateness, and tells it at once', () => {
    const operator = new WindowOperator({ assigner: new TumblingWindows({ size: 10 }), aggregate: sum, allowedLateness: 5 });
    operator.process(at(1, 1));
    assert.deepEqual(values(operator.advanceWatermark(9)), [1]);
    operator.advanceWatermark(13);
    assert.deepEqual(values(operator.process(at(2, 1)).panes), [2]);
    operator.advanceWatermark(14);
    assert.equal(operator.process(at(2, 1)).outcome, 'late');
    assert.deepEqual(operator.size, { keys: 0, windows: 0 });
  });

  it('keeps a window whose lateness reaches beyond time until time ends', () => {
    const operator = new WindowOperator({ assigner: new TumblingWindows({ size: 10 }), aggregate: sum, allowedLateness: maxTime - 1 });
    operator.process(at(maxTime - 2, 1));
    assert.deepEqual(values(operator.advanceWatermark(maxTime - 1)), [1]);
    assert.deepEqual(values(operator.process(at(maxTime - 2, 1)).panes), [2]);
    operator.advanceWatermark(maxTime);
    assert.deepEqual(operator.size, { keys: 0, windows: 0 });
  });

  it('tells a record that lies between windows from a late one', () => {
    const operator = new WindowOperator({ assigner: new HoppingWindows({ size: 3, slide: 10 }), aggregate: sum });
    assert.equal(operator.process(at(3, 1)).outcome, 'outside');
    assert.deepEqual(operator.size, { keys: 0, windows: 0 });
  });

  it('is as it was when a record cannot be used', () => {
    const operator = new WindowOperator({ assigner: new HoppingWindows({ size: 10, slide: 5 }), aggregate: sum });
    const invalid = (error: unknown): boolean => error instanceof WindowError && error.code === 'RECORD_INVALID';
    for (const timestamp of [Number.NaN, 0.5, minTime, maxTime]) assert.throws(() => operator.process(at(timestamp, 1)), invalid);
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, -(2 ** 53)])
      assert.throws(() => operator.process(at(1, value)), invalid);
    assert.throws(() => operator.advanceWatermark(Number.NaN), /a watermark must be a whole number/);
    assert.deepEqual(operator.size, { keys: 0, windows: 0 });
    assert.equal(operator.watermark, minTime);
  });

  it('drops what comes for a window whose trigger is done, also when that window grows', () => {
    const trigger = new FirstOfTrigger(new CountTrigger(2));
    const operator = new WindowOperator({
      assigner: new SessionWindows({ gap: 10 }),
      aggregate: sum,
      trigger,
      panes: beamPanes('accumulating'),
    });
    operator.process(at(0, 1));
    assert.deepEqual(values(operator.process(at(1, 1)).panes), [2]);
    assert.equal(operator.process(at(5, 1)).outcome, 'closed');
    assert.deepEqual(values(operator.advanceWatermark(14)), []);
    assert.deepEqual(operator.size, { keys: 0, windows: 0 });
  });

  it('makes one pane, first and last, when the watermark jumps past end and lateness', () => {
    const operator = new WindowOperator({
      assigner: new TumblingWindows({ size: 10 }),
      aggregate: sum,
      allowedLateness: 100,
      panes: beamPanes('accumulating', 'always'),
    });
    operator.process(at(1, 1));
    const [pane, ...others] = operator.advanceWatermark(500);
    assert.deepEqual([pane?.timing, pane?.first, pane?.last, others], ['ON_TIME', true, true, []]);
  });

  it('tells what is due at one time by key and then by window, whatever came first', () => {
    const trigger = new ContinuousEventTimeTrigger(10);
    const operator = new WindowOperator({ assigner: new HoppingWindows({ size: 12, slide: 2 }), aggregate: sum, trigger });
    for (const key of ['b', 'a', 'c']) for (const time of [7, 3, 9, 1]) operator.process(at(time, 1, key));
    const due = operator.advanceWatermark(10).filter(({ window }) => window.maxTimestamp > 10);
    const names = due.map(({ key, window }) => `${key} ${window.start}`);
    assert.deepEqual(names, ['a 0', 'a 2', 'a 4', 'a 6', 'a 8', 'b 0', 'b 2', 'b 4', 'b 6', 'b 8', 'c 0', 'c 2', 'c 4', 'c 6', 'c 8']);
  });

  it('calls no pane the last while another timer is to come within the same jump', () => {
    const trigger = new ContinuousEventTimeTrigger(4);
    const operator = new WindowOperator({ assigner: new TumblingWindows({ size: 10 }), aggregate: sum, trigger });
    operator.process(at(1, 1));
    assert.deepEqual(
      operator.advanceWatermark(100).map(({ timing, last }) => [timing, last]),
      [
        ['EARLY', false],
        ['ON_TIME', true],
      ],
    );
  });

  it('calls a pane late that the first record of a window makes after its end', () => {
    const operator = new WindowOperator({ assigner: new TumblingWindows({ size: 10 }), aggregate: sum, allowedLateness: 50 });
    operator.advanceWatermark(20);
    const [pane] = operator.process(at(1, 1)).panes;
    assert.deepEqual([pane?.timing, pane?.first, pane?.nonSpeculativeIndex], ['LATE', true, 0]);
  });

  it('fires a continuous trigger once for a watermark that jumps over many of its times, even to the end of time', () => {
    const trigger = new ContinuousEventTimeTrigger(1);
    const operator = new WindowOperator({ assigner: new GlobalWindows(), aggregate: sum, trigger });
    operator.process(at(0, 1));
    assert.deepEqual(values(operator.advanceWatermark(1_000_000)), [1]);
    assert.deepEqual(values(operator.advanceWatermark(maxTime)), [1, 1]);
  });

  it('fires a continuous trigger within its window, and at its end', () => {
    const trigger = new ContinuousEventTimeTrigger(4);
    const operator = new WindowOperator({ assigner: new TumblingWindows({ size: 10 }), aggregate: sum, trigger, allowedLateness: 9 });
    operator.process(at(1, 1));
    const fired = [3, 4, 7, 8, 9].map((watermark) => operator.advanceWatermark(watermark).map(({ timing }) => timing));
    assert.deepEqual(fired, [[], ['EARLY'], [], ['EARLY'], ['ON_TIME']]);
    assert.deepEqual(values(operator.process(at(2, 1)).panes), [2]);
    assert.deepEqual(values(operator.advanceWatermark(12)), []);
    assert.deepEqual(values(operator.process(at(2, 1)).panes), [3]);
  });

  it("obeys a trigger of one's own: purging without firing, and asking for time", () => {
    const trigger: Trigger<number> = {
      open: (saved = 0) => {
        let negatives = saved as number;
        return {
          onRecord: (value) => {
            if (value >= 0) return goOn;
            negatives += 1;
            return purge;
          },
          onTimer: (time) => (time === 50 ? fireAndPurge : goOn),
          nextTimer: ({ watermark }) => (watermark < 50 ? 50 : undefined),
          absorb: () => {},
          save: () => negatives,
        };
      },
    };
    const operator = new WindowOperator({ assigner: new GlobalWindows(), aggregate: sum, trigger });
    for (const value of [5, -1, 7]) operator.process(at(1, value));
    assert.deepEqual(values(operator.advanceWatermark(60)), [7]);
  });

  it('refuses a trigger that would never end', () => {
    const trigger: Trigger<number> = {
      open: () => ({ onRecord: () => goOn, onTimer: () => goOn, nextTimer: () => 5, absorb: () => {}, save: () => null }),
    };
    const operator = new WindowOperator({ assigner: new GlobalWindows(), aggregate: sum, trigger });
    operator.process(at(1, 1));
    assert.throws(() => operator.advanceWatermark(9), /a trigger asked for 5, which has passed at 5/);
  });

  it('counts what is distinct by type and value', () => {
    const operator = new WindowOperator({ assigner: new TumblingWindows({ size: 10 }), aggregate: distinct });
    for (const value of [1, '1', true, null, 1, 0, -0, 'true']) operator.process(at(1, value));
    assert.deepEqual(values(operator.advanceWatermark(9)), [6]);
    assert.throws(() => operator.process(at(11, {} as never)), /only JSON scalars/);
  });
});

describe('a session that grows', () => {
  it('sets few timers, and closes at its end all the same', () => {
    const operator = new WindowOperator({ assigner: new SessionWindows({ gap: 10 }), aggregate: sum });
    for (let time = 0; time <= 1_000; time += 5) {
      operator.process(at(time, 1));
      if (time % 50 === 0) assert.deepEqual(operator.advanceWatermark(time), []);
    }
    assert.deepEqual(operator.advanceWatermark(1_008), []);
    assert.deepEqual(values(operator.advanceWatermark(1_009)), [201]);
    assert.deepEqual(operator.size, { keys: 0, windows: 0 });
  });
});

describe('a session that holds many records', () => {
  it('is not copied for each of them', () => {
    let merges = 0;
    const all = collect<number>();
    const aggregate: typeof all = {
      ...all,
      merge: (a, b) => {
        merges += 1;
        return all.merge(a, b);
      },
    };
    const operator = new WindowOperator({ assigner: new SessionWindows({ gap: 5 }), aggregate });
    const byStreamTime = new StreamTimeSessions({ gap: 5, grace: 50, emit: 'on-close', aggregate });
    const times = [3, 1, 6, 18, 9, 14];
    for (const each of [operator, byStreamTime]) {
      merges = 0;
      for (const time of times) each.process(at(time, time));
      assert.equal(merges, 1, 'only the two sessions that 14 joins');
    }
    assert.deepEqual(values(operator.advanceWatermark(100)), [[3, 1, 6, 9, 18, 14]]);
  });
});

describe('an evictor', () => {
  const fired = (evictor: TimeEvictor | CountEvictor, ...times: number[]) => {
    const operator = new WindowOperator({
      assigner: new GlobalWindows(),
      aggregate: collect<number>(),
      trigger: new CountTrigger(2),
      evictor,
    });
    return times.flatMap((time) => values(operator.process(at(time, time)).panes));
  };

  it('by time keeps what is newer than newest − span, not what is exactly as old', () => {
    assert.deepEqual(fired(new TimeEvictor(10), 0, 10), [[10]]);
    assert.deepEqual(fired(new TimeEvictor(10), 1, 10), [[1, 10]]);
  });

  it('by count keeps the last', () => {
    assert.deepEqual(fired(new CountEvictor(3), 1, 2, 3, 4), [
      [1, 2],
      [2, 3, 4],
    ]);
  });

  it('that keeps nothing leaves a window that is empty, and does not fire', () => {
    const operator = new WindowOperator({
      assigner: new TumblingWindows({ size: 10 }),
      aggregate: collect<number>(),
      trigger: new ContinuousEventTimeTrigger(4),
      evictor: { when: 'after', keep: () => [] },
    });
    operator.process(at(1, 1));
    assert.deepEqual(values(operator.advanceWatermark(4)), [[1]]);
    assert.deepEqual(values(operator.advanceWatermark(9)), []);
  });

  it('keeps the records of sessions that join, those of the earlier session first', () => {
    const operator = new WindowOperator({
      assigner: new SessionWindows({ gap: 5 }),
      aggregate: collect<number>(),
      allowedLateness: 20,
      evictor: new CountEvictor(3),
    });
    for (const time of [10, 2, 1]) operator.process(at(time, time));
    assert.deepEqual(values(operator.advanceWatermark(20)), [[2, 1], [10]]);
    assert.deepEqual(values(operator.process(at(6, 6)).panes), [[1, 10, 6]]);
  });

  it('after a pane removes what that pane still shows', () => {
    assert.deepEqual(fired(new CountEvictor(1, 'after'), 1, 2, 3, 4), [
      [1, 2],
      [2, 3, 4],
    ]);
  });
});

describe('look-back', () => {
  it('sees both ends of its span, and what came before at the same time', () => {
    const operator = new LookBackOperator({ span: 10, aggregate: collect<string>() });
    const seen = (time: number, value: string) => operator.process(at(time, value))?.value;
    assert.deepEqual([seen(0, 'a'), seen(10, 'b'), seen(10, 'c'), seen(11, 'd')], [['a'], ['a', 'b'], ['a', 'b', 'c'], ['b', 'c', 'd']]);
  });
});

describe('the memory of look-back', () => {
  it('forgets a record when the watermark has made late whatever could see it, not before', () => {
    const operator = new LookBackOperator({ span: 10, aggregate: sum, allowedLateness: 3 });
    for (const value of [2 ** 53 - 1, 1 - 2 ** 53]) operator.process(at(0, value));
    operator.advanceWatermark(12);
    assert.deepEqual(operator.size, { keys: 1, records: 2 });
    operator.advanceWatermark(13);
    assert.deepEqual(operator.size, { keys: 0, records: 0 });
  });
});

describe('stream time', () => {
  it('keeps a record of sliding windows as long as a window behind it can be made, not longer', () => {
    const kept = (streamTime: number) => {
      const operator = new SlidingWindows({ difference: 5, grace: 2, emit: 'on-close', aggregate: sum });
      operator.process(at(0, 1));
      operator.advanceTo(streamTime);
      return { records: operator.size.records, made: operator.process(at(6, 1)).outcome === 'used' && operator.advanceTo(100) };
    };
    const windows = (results: false | readonly { readonly window: readonly [number, number] }[]) =>
      results && results.map(({ window }) => window);
    assert.deepEqual([kept(8).records, windows(kept(8).made)], [1, [[1, 6]]]);
    assert.deepEqual([kept(9).records, windows(kept(9).made)], [0, []]);
  });

  it('tells which windows a record missed: of sliding ones its own, when that has closed', () => {
    const operator = new SlidingWindows({ difference: 10, grace: 0, emit: 'on-close', aggregate: sum });
    operator.advanceTo(20);
    assert.deepEqual([operator.process(at(20, 1)).missed, operator.process(at(19, 1)).missed], [[], [[9, 19]]]);
    const { missed, outcome } = operator.process(at(9, 1));
    assert.deepEqual([missed, outcome], [[[0, 10]], 'dropped']);
  });

  it('has no time before 0', () => {
    const operator = new StreamTimeWindows({ size: 10, grace: 0, emit: 'on-close', aggregate: sum });
    assert.throws(() => operator.process(at(-1, 1)), /there is no time before 0/);
    assert.equal(operator.streamTime, minTime);
  });

  it('rejects windows with gaps and a grace below 0', () => {
    const make = (slide: number, grace: number) => new StreamTimeWindows({ size: 10, slide, grace, emit: 'on-close', aggregate: sum });
    assert.throws(() => make(11, 0), /slide must not exceed size/);
    assert.throws(() => make(5, -1), /grace must be a whole number of at least 0/);
  });
});
