import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import type { WindowCountsOptions } from '../../../../../services/lib/windows/counts/counts-options.ts';
import { WindowCounts } from '../../../../../services/lib/windows/counts/window-counts.ts';
import { maxTime, minTime } from '../../../../../services/lib/windows/time.ts';
import { GeneralModel, inOrder, inRange, type Told } from './general-model.ts';

const idOf = (text: string | number): string => createHash('sha256').update(String(text)).digest('hex').slice(0, 32);
const ids = Array.from({ length: 40 }, (_, i) => idOf(i));

interface Counting {
  readonly counts: WindowCounts;
  readonly told: Told[];
}

function counting(options: WindowCountsOptions): Counting {
  const told: Told[] = [];
  return { told, counts: new WindowCounts(options, ({ key, start, end, count, sum }) => told.push({ key, start, end, count, sum })) };
}

function restored(options: WindowCountsOptions, parts: readonly { readonly from: WindowCounts; readonly range?: string }[]): Counting {
  const told: Told[] = [];
  const snapshots = parts.map(({ from, range }) => ({ frames: [...from.snapshot()], ...(range === undefined ? {} : { range }) }));
  const counts = WindowCounts.restore(options, snapshots, ({ key, start, end, count, sum }) => told.push({ key, start, end, count, sum }));
  return { told, counts };
}

const optionsArbitrary: fc.Arbitrary<WindowCountsOptions> = fc
  .record({
    slide: fc.integer({ min: 1, max: 6 }),
    slices: fc.integer({ min: 1, max: 5 }),
    offset: fc.integer({ min: -5, max: 5 }),
    disorder: fc.integer({ min: 0, max: 8 }),
    maxDelay: fc.option(fc.integer({ min: 0, max: 12 }), { nil: undefined }),
    summing: fc.boolean(),
  })
  .map(({ slide, slices, offset, disorder, maxDelay, summing }) => ({
    size: slide * slices,
    slide,
    offset: Math.max(1 - slide, Math.min(slide - 1, offset)),
    disorder,
    summing,
    inRange,
    partitionBits: 1,
    ...(maxDelay === undefined ? {} : { maxDelay }),
  }));

type Step =
  | { readonly kind: 'record'; readonly key: string; readonly id: string; readonly time: number; readonly value: number }
  | { readonly kind: 'time'; readonly to: number }
  | { readonly kind: 'restart' };

const record = (keys: readonly string[], idsOf: readonly string[]): fc.Arbitrary<Step> =>
  fc.record({
    kind: fc.constant('record' as const),
    key: fc.constantFrom(...keys),
    id: fc.constantFrom(...idsOf),
    time: fc.integer({ min: -15, max: 45 }),
    value: fc.integer({ min: -5, max: 5 }),
  });

const steps = (keys: readonly string[], idsOf: readonly string[], most = 60): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.oneof(
      { weight: 20, arbitrary: record(keys, idsOf) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('time' as const), to: fc.integer({ min: -20, max: 60 }) }) },
      { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
    ),
    { maxLength: most },
  );

/** Takes both through the steps and holds them against each other at each. */
function walk(options: WindowCountsOptions, start: { counting: Counting; model: GeneralModel }, all: readonly Step[]) {
  let { counting: mine, model } = start;
  for (const step of all) {
    mine.told.length = 0;
    if (step.kind === 'restart') {
      mine = restored(options, [{ from: mine.counts }]);
      model = GeneralModel.restored(options, [{ model }]);
    } else if (step.kind === 'time') {
      mine.counts.advanceWatermark(step.to);
      assert.deepEqual(inOrder(mine.told), inOrder(model.advance(step.to)));
    } else {
      const { outcome, told } = model.add(step.key, step.id, step.time, step.value);
      assert.equal(mine.counts.add(step.key, step.id, step.time, step.value), outcome);
      assert.deepEqual(inOrder(mine.told), inOrder(told));
    }
    assert.equal(mine.counts.watermark, model.watermark);
  }
  return { counting: mine, model };
}

function flush({ counting: { counts, told }, model }: { counting: Counting; model: GeneralModel }): void {
  told.length = 0;
  counts.advanceWatermark(maxTime);
  assert.deepEqual(inOrder(told), inOrder(model.advance(maxTime)));
  const { keys, cells } = counts.size;
  assert.deepEqual({ keys, cells }, { keys: 0, cells: 0 });
}

const fresh = (options: WindowCountsOptions) => ({ counting: counting(options), model: new GeneralModel(options) });

describe('counts in typed arrays', () => {
  it('tell what the general operator tells, step by step and over restarts', () => {
    fc.assert(
      fc.property(optionsArbitrary, steps(['a', 'b', 'c', 'Zoë', 'k'.repeat(60)], ids), (options, all) => {
        flush(walk(options, fresh(options), all));
      }),
      { numRuns: 150 },
    );
  });

  it('of two operators merged, or of a range of one, tell what the general ones tell', () => {
    const left = ids.slice(0, 20);
    const right = ids.slice(20);
    fc.assert(
      fc.property(
        optionsArbitrary,
        steps(['a', 'b'], left, 25),
        steps(['c', 'd'], right, 25),
        fc.constantFrom(['a,b', 'c,d'], ['a', 'c,d'], ['b', 'd']),
        steps(['a', 'b'], left, 25),
        (options, first, second, [one = '', two = ''], third) => {
          const parents = [walk(options, fresh(options), first), walk(options, fresh(options), second)] as const;
          const child = {
            counting: restored(options, [
              { from: parents[0].counting.counts, range: one },
              { from: parents[1].counting.counts, range: two },
            ]),
            model: GeneralModel.restored(options, [
              { model: parents[0].model, range: one },
              { model: parents[1].model, range: two },
            ]),
          };
          const kept = third.filter((step) => step.kind !== 'record' || inRange(step.key, one));
          flush(walk(options, child, kept));
        },
      ),
      { numRuns: 150 },
    );
  });

  it('a snapshot tells of the moment it was begun, whatever comes between its frames', () => {
    const options = { size: 60, slide: 10, disorder: 5, summing: true, partitionBits: 2 };
    const running = counting(options);
    const still = counting(options);
    const add = (to: Counting, i: number): unknown =>
      to.counts.add(`user-${(i * 7_919) % 3_001}`, idOf(i), Math.floor(i / 400) - (i % 5), i % 97);
    for (let i = 0; i < 20_000; i++) for (const each of [running, still]) add(each, i);
    const frames: Buffer[] = [];
    let next = 20_000;
    for (const frame of running.counts.snapshot()) {
      frames.push(frame);
      for (let left = 2_500; left > 0; left--) add(running, next++);
    }
    assert.ok(frames.length > 5 && running.counts.watermark > still.counts.watermark + 50);
    const told: Told[] = [];
    const copy = WindowCounts.restore(options, [{ frames }], ({ key, start, end, count, sum }) =>
      told.push({ key, start, end, count, sum }),
    );
    assert.equal(copy.watermark, still.counts.watermark);
    still.told.length = 0;
    running.told.length = 0;
    for (let i = 20_000 - 3_000; i < next; i++) {
      assert.equal(add({ counts: copy, told }, i), add(still, i));
    }
    for (const each of [copy, still.counts, running.counts]) each.advanceWatermark(maxTime);
    assert.ok(told.length > 5_000);
    assert.deepEqual(inOrder(told), inOrder(still.told));
    assert.deepEqual(inOrder(running.told), inOrder(still.told).slice(-running.told.length));
  });

  it('keys that go and come during a snapshot are neither in it nor mixed up after it', () => {
    const options = { size: 10, disorder: 0 };
    const { counts, told } = counting(options);
    for (let i = 0; i < 5_000; i++) counts.add(`user-${i}`, undefined, 5);
    const snapshot = counts.snapshot();
    const frames = [snapshot.next().value as Buffer];
    counts.add('user-0', undefined, 15); // all others go
    counts.add('user-1', undefined, 16);
    counts.add('user-0', undefined, 25); // user-1 goes again
    for (let i = 0; i < 3_000; i++) counts.add(`other-${i}`, undefined, 26);
    frames.push(...snapshot);
    for (let i = 0; i < 3_000; i++) counts.add(`late-${i}`, undefined, 27);
    const again: Told[] = [];
    const copy = WindowCounts.restore(options, [{ frames }], ({ key, start, end, count, sum }) =>
      again.push({ key, start, end, count, sum }),
    );
    copy.advanceWatermark(9);
    assert.deepEqual(
      inOrder(again),
      inOrder(Array.from({ length: 5_000 }, (_, i) => ({ key: `user-${i}`, start: 0, end: 10, count: 1, sum: 0 }))),
    );
    told.length = 0;
    counts.advanceWatermark(29);
    assert.ok(told.every(({ count }) => count === 1));
    assert.equal(new Set(told.map(({ key }) => key)).size, 6_001);
    assert.equal(told.length, 6_001);
  });

  it('keys that go during a snapshot take no memory after a restart from the next one', () => {
    const options = { size: 10, disorder: 0 };
    const { counts } = counting(options);
    for (let i = 0; i < 3_000; i++) counts.add(`user-${i}`, undefined, 5);
    counts.snapshot().next();
    counts.advanceWatermark(9);
    const copy = restored(options, [{ from: counts }]).counts;
    assert.equal(copy.size.keys, 0);
    const fresh = counting(options).counts;
    for (let i = 0; i < 3_000; i++) for (const each of [copy, fresh]) each.add(`other-${i}`, undefined, 15);
    assert.ok(copy.size.bytes < fresh.size.bytes * 1.1, `${copy.size.bytes} and ${fresh.size.bytes}`);
  });

  it('comes back from a stream as from frames', async () => {
    const options = { size: 60, slide: 10, disorder: 5, summing: true };
    const { counts, told } = counting(options);
    for (let i = 0; i < 500; i++) counts.add(`user-${i % 40}`, idOf(i), Math.floor(i / 10), i);
    async function* frames(): AsyncGenerator<Buffer> {
      for (const frame of counts.snapshot()) {
        await Promise.resolve();
        yield frame;
      }
    }
    const again: Told[] = [];
    const copy = await WindowCounts.restoreStream(options, [{ frames: frames() }], ({ key, start, end, count, sum }) =>
      again.push({ key, start, end, count, sum }),
    );
    told.length = 0;
    counts.advanceWatermark(maxTime);
    copy.advanceWatermark(maxTime);
    assert.ok(told.length > 100);
    assert.deepEqual(inOrder(again), inOrder(told));
  });

  it('a second snapshot ends the one before', () => {
    const { counts } = counting({ size: 10, disorder: 0 });
    for (let i = 0; i < 20_000; i++) counts.add(`user-${i}`, idOf(i), 5);
    const first = counts.snapshot();
    first.next();
    first.next();
    const second = counts.snapshot();
    assert.throws(() => [...first], { code: 'STATE_INVALID' });
    const told: string[] = [];
    WindowCounts.restore({ size: 10, disorder: 0 }, [{ frames: second }], ({ key }) => told.push(key)).advanceWatermark(100);
    assert.equal(new Set(told).size, 20_000);
  });

  it('a snapshot of other windows, damaged, or of no operator is refused', () => {
    const options = { size: 10, disorder: 0 };
    const { counts } = counting(options);
    for (let i = 0; i < 100; i++) counts.add(`user-${i}`, idOf(i), 5);
    const frames = [...counts.snapshot()];
    for (const other of [
      { ...options, size: 20 },
      { ...options, offset: 1 },
      { ...options, slide: 5 },
      { ...options, summing: true },
    ]) {
      assert.throws(() => WindowCounts.restore(other, [{ frames }], () => {}), { code: 'STATE_INVALID' });
    }
    assert.throws(() => WindowCounts.restore(options, [], () => {}), { code: 'STATE_INVALID' });
    assert.throws(() => WindowCounts.restore(options, [{ frames }, { frames }], () => {}), { code: 'STATE_INVALID' });
    assert.throws(() => WindowCounts.restore(options, [{ frames: frames.slice(0, -1) }], () => {}), { code: 'SNAPSHOT_CORRUPT' });
    const damaged = Buffer.concat(frames);
    damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] as number) ^ 1;
    assert.throws(() => WindowCounts.restore(options, [{ frames: [damaged] }], () => {}), { code: 'SNAPSHOT_CORRUPT' });
  });

  it('a window closes at the watermark of its last time, not before', () => {
    const { counts, told } = counting({ size: 10, disorder: 0 });
    counts.add('a', undefined, 3);
    counts.advanceWatermark(8);
    assert.equal(told.length, 0);
    counts.advanceWatermark(9);
    assert.deepEqual(told, [{ key: 'a', start: 0, end: 10, count: 1, sum: 0 }]);
    assert.equal(counts.add('a', undefined, 9), 'late');
    assert.equal(counts.add('a', undefined, 10), 'used');
  });

  it('a jump of centuries over empty windows takes no time', () => {
    const { counts, told } = counting({ size: 600_000, slide: 10_000, disorder: 2_000 });
    for (let i = 0; i < 50; i++) counts.add('a', undefined, i * 100_000_000_000_000);
    counts.advanceWatermark(maxTime);
    assert.equal(told.length, 50 * 60);
  });

  it('times at the edge of what a number holds are refused or counted exactly', () => {
    const options = { size: 600, slide: 10, disorder: 20 };
    for (const time of [maxTime, minTime, maxTime - 610, minTime + 610, Number.NaN, 2 ** 53, 0.5, Number.POSITIVE_INFINITY]) {
      const { counts } = counting(options);
      assert.throws(() => counts.add('a', undefined, time), { code: 'RECORD_INVALID' });
      assert.deepEqual([counts.size.keys, counts.watermark], [0, minTime]);
    }
    for (const time of [maxTime - 611, minTime + 611]) {
      const { counts, told } = counting(options);
      assert.equal(counts.add('a', undefined, time), 'used');
      counts.advanceWatermark(maxTime);
      assert.equal(told.length, 60);
      assert.ok(told.every(({ start, end, count }) => start <= time && time < end && end - start === 600 && count === 1));
    }
  });

  it('sums are exact up to 2^53 and refused beyond', () => {
    const { counts, told } = counting({ size: 20, slide: 10, disorder: 0, summing: true });
    assert.equal(counts.add('a', undefined, 1, 2 ** 53 - 3), 'used');
    assert.equal(counts.add('b', undefined, 1, -1), 'used');
    assert.equal(counts.add('b', undefined, 1, 2), 'refused');
    assert.equal(counts.add('a', undefined, 12, 1), 'used');
    assert.throws(() => counts.add('a', undefined, 12, 0.5), { code: 'RECORD_INVALID' });
    assert.throws(() => counts.add('a', undefined, 12, 2 ** 53), { code: 'RECORD_INVALID' });
    counts.advanceWatermark(100);
    assert.deepEqual(
      inOrder(told).map(({ key, end, sum }) => [key, end, sum]),
      [
        ['a', 10, 2 ** 53 - 3],
        ['b', 10, -1],
        ['a', 20, 2 ** 53 - 2],
        ['b', 20, -1],
        ['a', 30, 1],
      ],
    );
    assert.equal(counts.add('b', undefined, 200, 2 ** 53 - 1), 'used'); // what has left counts no more
    assert.equal(counts.size.refused, 1);
  });

  it('what would take more keys or cells than allowed is refused and counted, and memory that is free again is used', () => {
    const keyed = counting({ size: 10, disorder: 0, maxKeys: 2 }).counts;
    const outcomes = ['a', 'b', 'c', 'a'].map((key) => keyed.add(key, idOf(key + Math.random()), 1));
    assert.deepEqual(outcomes, ['used', 'used', 'refused', 'used']);
    assert.deepEqual(
      [keyed.add('a', undefined, 11), keyed.add('c', undefined, 12), keyed.add('b', undefined, 12)],
      ['used', 'used', 'refused'],
    );
    const celled = counting({ size: 20, slide: 10, disorder: 0, maxCells: 2 }).counts;
    assert.deepEqual(
      [celled.add('a', undefined, 1), celled.add('a', undefined, 11), celled.add('a', undefined, 12)],
      ['used', 'used', 'refused'],
    );
    assert.equal(celled.size.refused, 1);
  });

  it('a refused record may come again', () => {
    const { counts } = counting({ size: 10, disorder: 0, maxKeys: 1 });
    counts.add('a', idOf(1), 1);
    assert.equal(counts.add('b', idOf(2), 25), 'refused');
    assert.equal(counts.watermark, 0);
    counts.advanceWatermark(20);
    assert.equal(counts.add('b', idOf(2), 25), 'used');
    assert.equal(counts.add('b', idOf(2), 25), 'duplicate');
  });

  it('memory stays flat while keys come and go and slices alternate', () => {
    const { counts } = counting({ size: 40, slide: 20, disorder: 25 });
    let most = 0;
    for (let i = 0; i < 300_000; i++) {
      const time = Math.floor(i / 1_000) - (i % 2) * 22;
      counts.add(`user-${i < 100_000 ? i % 100 : i}`, undefined, Math.max(0, time));
      if (i === 200_000) most = counts.size.bytes;
    }
    assert.ok(counts.size.bytes < most * 1.2, `${most} bytes became ${counts.size.bytes}`);
    assert.ok(counts.size.cells < 100_000);
    counts.advanceWatermark(10_000);
    assert.deepEqual([counts.size.keys, counts.size.cells], [0, 0]);
  });

  it('rows of keys that are gone are used again', () => {
    const { counts } = counting({ size: 10, disorder: 0, partitionBits: 0 });
    counts.add('user-0', undefined, 0);
    const { bytes } = counts.size;
    for (let i = 1; i < 10_000; i++) counts.add(`user-${i}`, undefined, i * 10);
    assert.ok(counts.size.bytes < bytes + 10_000, `${counts.size.bytes} bytes`);
  });

  it('cells of a key that alternates between slices are put together', () => {
    const { counts, told } = counting({ size: 40, slide: 20, disorder: 50 });
    for (let i = 0; i < 100_000; i++) counts.add(`user-${i % 10 < 8 ? 0 : i % 10}`, undefined, (i % 3) * 20);
    assert.ok(counts.size.cells < 3 * 4_096);
    counts.advanceWatermark(100);
    const total = told.reduce((sum, { count }) => sum + count, 0);
    assert.equal(total, 200_000);
    assert.deepEqual([counts.size.keys, counts.size.cells], [0, 0]);
  });

  it('rows of keys that go during a snapshot are used again after it, and those that go then at once', () => {
    const { counts } = counting({ size: 10, disorder: 0, partitionBits: 0 });
    let early = 0;
    for (let round = 0; round < 40; round++) {
      for (let i = 0; i < 1_000; i++) counts.add(`user-${round}-${i}`, undefined, round * 10);
      const snapshot = round % 4 === 0 && round <= 20 ? counts.snapshot() : undefined;
      counts.advanceWatermark(round * 10 + 9);
      snapshot?.return(undefined);
      if (round === 8) early = counts.size.bytes;
    }
    assert.ok(counts.size.bytes < early * 1.2, `${early} bytes became ${counts.size.bytes}`);
  });

  it('a key whose newest cell has left is not counted in the one that has its place', () => {
    const { counts, told } = counting({ size: 20, slide: 10, disorder: 10 });
    counts.add('a', undefined, 11);
    counts.add('a', undefined, 5);
    counts.advanceWatermark(19);
    counts.add('b', undefined, 31);
    counts.add('a', undefined, 32);
    told.length = 0;
    counts.advanceWatermark(39);
    assert.deepEqual(inOrder(told.filter(({ end }) => end === 40)), [
      { key: 'a', start: 20, end: 40, count: 1, sum: 0 },
      { key: 'b', start: 20, end: 40, count: 1, sum: 0 },
    ]);
  });

  it('after a burst of keys counts go on, in the memory there is', () => {
    const { counts, told } = counting({ size: 10, disorder: 0 });
    for (let i = 0; i < 20_000; i++) counts.add(`user-${i}`, undefined, 1);
    const { bytes } = counts.size;
    counts.add('user-7', undefined, 11);
    counts.add('user-7', undefined, 21);
    assert.equal(counts.size.keys, 1);
    for (let i = 0; i < 19_000; i++) counts.add(`other-${i}`, undefined, 22);
    assert.equal(counts.size.keys, 19_001);
    assert.ok(counts.size.bytes < bytes * 1.05);
    counts.add('user-7', undefined, 22);
    told.length = 0;
    counts.advanceWatermark(29);
    assert.equal(told.length, 19_001);
    assert.deepEqual(
      told.find(({ key }) => key === 'user-7'),
      { key: 'user-7', start: 20, end: 30, count: 2, sum: 0 },
    );
  });

  it('tells each key once where the columns are just full, or one short of it', () => {
    for (const keys of [62, 63, 64, 65, 80]) {
      const { counts, told } = counting({ size: 10, disorder: 0 });
      for (let i = 0; i < keys; i++) counts.add(`user-${i}`, undefined, 1);
      counts.advanceWatermark(9);
      assert.deepEqual(
        told.map(({ key, count }) => [key, count]),
        Array.from({ length: keys }, (_, i) => [`user-${i}`, 1]),
      );
    }
  });

  it('a key that has gone, though a snapshot still holds it, is a new one to the bound on keys', () => {
    const { counts } = counting({ size: 10, disorder: 0, maxKeys: 1 });
    counts.add('a', undefined, 1);
    counts.snapshot().next();
    counts.advanceWatermark(9);
    assert.equal(counts.add('b', undefined, 11), 'used');
    assert.equal(counts.add('a', undefined, 12), 'refused');
  });

  it('options that make no windows are refused', () => {
    const right = { size: 60, slide: 10, disorder: 5 };
    const wrong: readonly Partial<WindowCountsOptions>[] = [
      { size: 0 },
      { slide: 7 },
      { slide: 120 },
      { slide: 0 },
      { offset: 10 },
      { disorder: -1 },
      { maxDelay: -1 },
      { maxKeys: 0 },
      { maxCells: 2 ** 31 },
      { size: 1_000_000_000, slide: 1_000 },
    ];
    for (const change of wrong)
      assert.throws(() => counting({ ...right, ...change }), { code: 'PARAMETER_INVALID' }, JSON.stringify(change));
    counting(right);
    counting({ ...right, maxCells: 2 ** 30 });
    counting({ size: 99_999_000, slide: 1_000, disorder: 1_000 });
  });
});
