import assert from 'node:assert/strict';
import { compileRules } from '../../../../services/lib/rules/compile.ts';
import { ShardState } from '../../../../services/lib/rules/shard-state.ts';
import { ByteWriter } from '../../../../services/lib/windows/snapshot/byte-writer.ts';
import { SnapshotError } from '../../../../services/lib/windows/snapshot/snapshot-error.ts';
import { snapshotFrames } from '../../../../services/lib/windows/snapshot/write.ts';
import { type RuleSpec, rule, start } from '../../../oracle/scenario.ts';

const pairs = {
  id: 'pairs',
  when: {},
  count: undefined,
  pairs: { open: 'reserved', close: 'cancelled', on: 'bookingId', maxGap: 'PT1M', atLeast: 1, within: 'PT1M' },
} satisfies RuleSpec;

describe('a snapshot of a shard state whose frames are sound', () => {
  const rules = compileRules({
    time: { disorder: 'PT30S', lateness: 'PT15S', maxAhead: 'PT5M' },
    rules: [rule({ id: 'count' }), rule({ id: 'session', count: undefined, session: { gap: 'PT1M', atLeast: 2 } }), rule(pairs)],
  });
  const restore = (...parts: ((out: ByteWriter) => void)[]): ShardState =>
    ShardState.restore(
      rules,
      snapshotFrames({ kind: 'rule-state', version: 3 }, function* (out) {
        for (const part of parts) part(out);
        yield;
      }),
    );
  const isCorrupt = (thrown: unknown): boolean => thrown instanceof SnapshotError && thrown.code === 'SNAPSHOT_CORRUPT';

  const raw =
    (...bytes: number[]) =>
    (out: ByteWriter): void =>
      out.raw(Uint8Array.from(bytes));
  const range = (out: ByteWriter, from: string, to: string): void => {
    out.text(from);
    out.text(to);
  };
  const head =
    (watermark = start, from = '0', to = 'f'.repeat(32), floors = 0, newest = start) =>
    (out: ByteWriter): void => {
      out.byte(1);
      out.float64(watermark);
      out.float64(newest);
      out.uint(15_000);
      range(out, from, to);
      out.uint(floors);
    };
  const ofRule =
    (address: string, floor = Number.NEGATIVE_INFINITY, warmingUntil = Number.NEGATIVE_INFINITY) =>
    (out: ByteWriter): void => {
      out.byte(2);
      out.uint(0);
      out.text(address);
      out.float64(floor);
      out.uint(0);
      out.float64(warmingUntil);
    };
  const node = (out: ByteWriter, time: number): void => {
    for (let word = 0; word < 4; word++) out.word(word);
    out.float64(time);
  };
  /** Entries of the rule with index 0, each a time and what the kind of rule notes with it. */
  const ofKey =
    (lastAt: number, entries: readonly [number, ...((out: ByteWriter) => void)[]][], ...end: number[]) =>
    (out: ByteWriter): void => {
      const content = new ByteWriter();
      content.text('user-1');
      content.float64(lastAt);
      content.uint(entries.length);
      for (const [time, ...notes] of entries) {
        node(content, time);
        for (const note of notes) note(content);
      }
      raw(...end)(content);
      out.byte(4);
      out.uint(0);
      out.bytes(content.take());
    };
  const never = Number.NEGATIVE_INFINITY;
  const [count, session, pair] = [ofRule('count/1/count'), ofRule('session/1/session'), ofRule('pairs/1/pairs')];
  const open = (time: number) => (out: ByteWriter) => {
    out.byte(1);
    node(out, time);
  };

  it('is taken as it is written here', () => {
    const ofCount = restore(head(never), count, ofKey(start, [[start], [start], [start + 1]]));
    assert.deepEqual({ ...ofCount.size, bytes: 0 }, { ids: 0, keys: 1, events: 3, values: 0, evicted: 0, bytes: 0 });
    assert.equal(restore(head(), session, ofKey(never, [[start, raw(0)]])).size.events, 1);
    assert.equal(restore(head(), pair, ofKey(never, [[start, open(start)]])).size.events, 2);
  });

  for (const [what, ...parts] of [
    ['has no content'],
    ['has a record of no kind', head(), raw(9)],
    ['does not begin with the shard', raw(4, 0, 0)],
    ['ends within a record', head(), raw(3)],
    ['has a key of no rule', head(), ofKey(never, [])],
    ['has a range that is not hexadecimal', head(start, 'g')],
    ['has a range that ends before it starts', head(start, 'ff', '0')],
    ['claims more floors than it has bytes', head(start, '0', 'f', 2 ** 40)],
    ['has a watermark that is not a number', head(Number.NaN)],
    ['has a watermark for which everything is late', head(Number.POSITIVE_INFINITY)],
    [
      'has a floor that is no time',
      head(start, '0', 'f', 1),
      (out: ByteWriter) => range(out, '0', 'f'),
      (out: ByteWriter) => out.float64(never),
    ],
    ['has a newest event at no time', head(start, '0', 'f', 0, Number.NaN)],
    ['has a rule whose bound is no time', head(), ofRule('count/1/count', Number.NaN)],
    ['has a rule that is warming until no time', head(), ofRule('count/1/count', never, Number.NaN)],
    ['has an id without a time', head(), raw(3), (out: ByteWriter) => node(out, Number.NaN)],
    ['has a key that comes twice', head(), count, ofKey(never, []), ofKey(never, [])],
    ['has a last alert that is no time', head(), count, ofKey(Number.NaN, [])],
    ['has an entry without a time', head(), count, ofKey(never, [[Number.NaN]])],
    ['has entries in another order than that of time', head(), count, ofKey(never, [[start + 1], [start]])],
    ['has a key with bytes behind its entries', head(), count, ofKey(never, [[start]], 0)],
    ['has a session whose entry is of no kind', head(), session, ofKey(never, [[start, raw(2)]])],
    ['has a pair whose entry is of no kind', head(), pair, ofKey(never, [[start, raw(2)]])],
    ['has a pair whose open has no time', head(), pair, ofKey(never, [[start, open(Number.NaN)]])],
  ] as [string, ...((out: ByteWriter) => void)[]][]) {
    it(`is refused when it ${what}`, () => {
      assert.throws(() => restore(...parts), isCorrupt);
    });
  }
});
