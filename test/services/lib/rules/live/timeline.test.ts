import assert from 'node:assert/strict';
import fc from 'fast-check';
import { PlatformError } from '../../../../../services/lib/process/errors.ts';
import {
  activationDelayMs,
  clockSkewMs,
  firstPointer,
  maxGenerations,
  newestOf,
  parsePointer,
  prunable,
  type RulesPointer,
  schemaOf,
  withGeneration,
  withWithheld,
  writeDeadlineMs,
} from '../../../../../services/lib/rules/live/pointer.ts';
import { rulesSchemaVersion } from '../../../../../services/lib/rules/live/schema-version.ts';
import { needsReread, RulesTimeline, rereadIntervalMs } from '../../../../../services/lib/rules/live/timeline.ts';

const hash = 'a'.repeat(64);
const now = 1_790_000_000_000;
const published = (...times: number[]): RulesPointer =>
  times.reduce((pointer, at) => withGeneration(pointer, { hash, now: at, by: 'tester' }), firstPointer({ hash, now, by: 'build' }));
const timelineOf = (...activeFrom: number[]): RulesTimeline =>
  new RulesTimeline(activeFrom.map((at, i) => ({ generation: i + 1, hash, activeFrom: at, publishedAt: 0, publishedBy: '' })));

describe('the rules pointer', () => {
  it('puts a generation in force a minute from now, never before the one it follows', () => {
    const { generations, version } = published(now, now - 5_000);
    assert.deepEqual(
      generations.map(({ generation, activeFrom }) => ({ generation, activeFrom })),
      [
        { generation: 1, activeFrom: 0 },
        { generation: 2, activeFrom: now + 60_000 },
        { generation: 3, activeFrom: now + 60_000 },
      ],
    );
    assert.equal(version, 3);
  });

  it('is read back as it was written, and refused when it is anything else', () => {
    const pointer = withWithheld(published(now), ['churn']);
    assert.deepEqual(parsePointer(structuredClone(pointer)), pointer);
    assert.deepEqual(parsePointer({ ...pointer, withheld: 'all' }).withheld, 'all');
    const [first, second] = pointer.generations;
    for (const wrong of [
      undefined,
      {},
      { ...pointer, version: 0 },
      { ...pointer, generations: [] },
      { ...pointer, generations: [second, first] },
      { ...pointer, generations: [first, first] },
      { ...pointer, generations: [second, { ...second, generation: 3, activeFrom: now }] },
      { ...pointer, generations: [{ ...first, hash: 'x' }] },
      { ...pointer, generations: Array.from({ length: maxGenerations + 1 }, (_, i) => ({ ...first, generation: i + 1 })) },
      { ...pointer, withheld: 'some' },
      { ...pointer, more: 1 },
    ]) {
      assert.throws(
        () => parsePointer(wrong),
        (error) => error instanceof PlatformError && error.code === 'RULES_INVALID',
      );
    }
  });

  it('lets go of generations only behind which the next one has been in force for the retention and a day, and that no state needs', () => {
    const [hour, day] = [3_600_000, 86_400_000];
    const pointer = published(now - 10 * day, now - 8 * day, now - 3 * day);
    assert.deepEqual(
      pointer.generations.map(({ generation }) => generation),
      [1, 2, 3, 4],
    );
    const valid = new Set([1, 2, 3, 4]);
    const goes = (at: number, ...referenced: number[]) =>
      prunable(pointer, { now: at, retentionMs: day, referenced: new Set(referenced), valid });
    assert.deepEqual(goes(now), [1, 2, 3]);
    assert.deepEqual(goes(now, 3, 4), [1, 2]);
    assert.deepEqual(goes(now, 2), [1], 'what lies behind it stays too');
    assert.deepEqual(goes(now, 1), []);
    assert.deepEqual(goes(now + 1_000 * day, 4), [1, 2, 3], 'the last one never goes');
    const third = newestOf(pointer).activeFrom;
    assert.deepEqual(goes(third + 2 * day), [1, 2]);
    assert.deepEqual(goes(third + 2 * day + 1), [1, 2, 3]);
    assert.deepEqual(goes(third + hour), [1, 2]);
  });

  it('keeps the valid generation whose rules an invalid one has, however long ago it was replaced', () => {
    const pointer = published(now, now, now, now);
    const goes = (valid: number[], ...referenced: number[]) =>
      prunable(pointer, { now: now + 1e10, retentionMs: 1, referenced: new Set(referenced), valid: new Set(valid) });
    assert.deepEqual(goes([1, 2, 3, 4, 5]), [1, 2, 3, 4]);
    assert.deepEqual(goes([1, 2]), [1], 'all that are newer are invalid');
    assert.deepEqual(goes([1, 2, 5]), [1, 2, 3, 4]);
    assert.deepEqual(goes([1, 2, 5], 4), [1], 'a state was made under an invalid one');
    assert.deepEqual(goes([]), [], 'none is known to be valid');
  });

  it('says which schema version each generation has; those from before there was one have the first', () => {
    const pointer = withGeneration(published(), { hash, now, by: 'tester', schema: 7 });
    assert.deepEqual(parsePointer(structuredClone(pointer)).generations.map(schemaOf), [rulesSchemaVersion, 7]);
    assert.equal(schemaOf({}), 1);
  });
});

describe('the timeline of rules', () => {
  it('gives a record the newest generation in force when it arrived, to the millisecond', () => {
    const timeline = timelineOf(0, 100, 200);
    assert.deepEqual(
      [0, 99, 100, 199, 200, 10_000].map((arrival) => timeline.generationFor(0, arrival).generation),
      [1, 1, 2, 2, 3, 3],
    );
  });

  it('never goes back, though arrivals do', () => {
    const timeline = timelineOf(0, 100, 200);
    assert.equal(timeline.generationFor(3, 50).generation, 3);
    assert.equal(timeline.generationFor(2, 99).generation, 2);
    assert.equal(timeline.generationFor(2, 200).generation, 3);
  });

  it('takes the later of two that are in force from the same time on', () => {
    assert.equal(timelineOf(0, 100, 100).generationFor(1, 100).generation, 3);
  });

  it('says so when it does not know the one a state was made under', () => {
    assert.throws(() => timelineOf(0, 100).generationFor(3, 500), /3 or newer, of 1, 2/);
    assert.throws(() => new RulesTimeline([]).generationFor(0, 500), PlatformError);
  });

  it('names a generation and those before it, newest first', () => {
    assert.deepEqual(
      timelineOf(0, 1, 2)
        .upTo(2)
        .map(({ generation }) => generation),
      [2, 1],
    );
    assert.deepEqual(timelineOf(0, 1, 2).upTo(4), []);
  });

  it('is read again before any record that a publication it has not seen may bind, however slow its write and wrong the clocks', () => {
    const skew = fc.integer({ min: -clockSkewMs / 2, max: clockSkewMs / 2 });
    fc.assert(
      fc.property(
        fc.nat({ max: 200_000 }),
        fc.nat({ max: 200_000 }),
        fc.nat({ max: writeDeadlineMs }),
        skew,
        skew,
        fc.nat({ max: 100_000 }),
        (readAt, publishedAt, writeTook, publisherSkew, readerSkew, after) => {
          const { activeFrom } = newestOf(published(publishedAt + publisherSkew));
          const hasSeen = publishedAt + writeTook <= readAt;
          const arrival = activeFrom + after;
          assert.ok(hasSeen || needsReread(readAt + readerSkew, arrival));
        },
      ),
      { numRuns: 1_000 },
    );
    assert.equal(needsReread(now, now + activationDelayMs - 20_001), false, 'and not before every batch');
    assert.ok(rereadIntervalMs < activationDelayMs - 20_000, 'so that shards seldom wait for it');
  });
});
