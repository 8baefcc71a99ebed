import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Run, Timeline } from '../../../../services/lib/rules/earliest-run.ts';
import { findFewestRun, type RunTotal } from '../../../../services/lib/rules/fewest-run.ts';

interface Entry {
  readonly time: number;
  readonly amount: number;
}

const entry: fc.Arbitrary<Entry> = fc.record({ time: fc.nat({ max: 12 }), amount: fc.nat({ max: 3 }) });

/** Entries in time order as nodes 1, 2, …, and an event that came last among those of its time. */
function timelineOf(entries: readonly Entry[], event: Entry, floor: number): Timeline {
  const timeOf = (node: number): number => entries[node - 1]?.time ?? Number.NaN;
  const newer = (node: number): number => (node < entries.length ? node + 1 : 0);
  const before = entries.filter(({ time }) => time <= event.time).length;
  return { eventTime: event.time, before, after: newer(before), floor, older: (node) => node - 1, newer, timeOf };
}

function totalOf(entries: readonly Entry[], event: Entry, atLeast: number): RunTotal {
  let sum = 0;
  const amountOf = (node: number): number => (entries[node - 1] ?? event).amount;
  return {
    get reached() {
      return sum >= atLeast;
    },
    clear() {
      sum = 0;
    },
    add(node) {
      sum += amountOf(node);
    },
    remove(node) {
      sum -= amountOf(node);
    },
  };
}

/** Every run, the shortest first and of one length the earliest first. */
function expectedRun(entries: readonly Entry[], event: Entry, floor: number, within: number, atLeast: number): Run | undefined {
  const place = entries.filter(({ time }) => time <= event.time).length;
  const all = entries.toSpliced(place, 0, event);
  for (let length = 1; length <= all.length; length++) {
    for (let from = Math.max(0, place - length + 1); from <= place && from + length <= all.length; from++) {
      const run = all.slice(from, from + length);
      const [first, last] = [run.at(0) ?? event, run.at(-1) ?? event];
      const holds = first.time >= floor && last.time - first.time <= within && run.reduce((sum, { amount }) => sum + amount, 0) >= atLeast;
      if (holds) return { older: place - from, newer: from + length - 1 - place, at: last.time };
    }
  }
  return undefined;
}

describe('the run with the fewest events', () => {
  it('is the shortest that holds the new event and reaches the total, wherever the event lies, the earliest on ties', () => {
    const entries = fc.array(entry, { maxLength: 9 }).map((all) => all.toSorted((a, b) => a.time - b.time));
    const floors = fc.oneof(fc.constant(Number.NEGATIVE_INFINITY), fc.nat({ max: 5 }));
    fc.assert(
      fc.property(entries, entry, floors, fc.nat({ max: 9 }), fc.integer({ min: 1, max: 9 }), (others, event, floor, within, atLeast) => {
        fc.pre(event.time >= floor);
        const run: Run = { older: 0, newer: 0, at: 0 };
        const found = findFewestRun(timelineOf(others, event, floor), within, totalOf(others, event, atLeast), run);
        assert.deepEqual(found ? run : undefined, expectedRun(others, event, floor, within, atLeast));
      }),
      { numRuns: 3_000 },
    );
  });

  it('looks at no more of the past than it needs, which one user could make long', () => {
    const entries = Array.from({ length: 4_096 }, () => ({ time: 0, amount: 1 }));
    const event = { time: 0, amount: 1 };
    const total = totalOf(entries, event, 3);
    let added = 0;
    const counting: RunTotal = {
      get reached() {
        return total.reached;
      },
      clear: () => total.clear(),
      add: (node) => {
        added++;
        total.add(node);
      },
      remove: (node) => total.remove(node),
    };
    assert.ok(findFewestRun(timelineOf(entries, event, 0), 0, counting, { older: 0, newer: 0, at: 0 }));
    assert.equal(added, 3);
  });
});
