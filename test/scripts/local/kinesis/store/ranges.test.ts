import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { type HashRange, HashRouter, hashKeys, uniformRanges } from '../../../../../scripts/local/kinesis/store/hash-ranges.ts';
import { nextReshardStep } from '../../../../../scripts/local/kinesis/store/reshard-plan.ts';
import { SequenceNumbers, sequenceText, sequenceTextBehind } from '../../../../../scripts/local/kinesis/store/sequence.ts';

const hashKey = fc.bigInt({ min: 0n, max: hashKeys - 1n });
const tiles = fc.uniqueArray(fc.oneof(hashKey, fc.bigInt({ min: 0n, max: 50n })), { maxLength: 12 }).map((cuts) => {
  const starts = [0n, ...cuts.filter((cut) => cut > 0n)].sort((a, b) => (a < b ? -1 : 1));
  return starts.map((start, i): { range: HashRange } => ({ range: { start, end: (starts[i + 1] ?? hashKeys) - 1n } }));
});

describe('the hash router', () => {
  it('finds the owner of any hash key, next to boundaries above all', () => {
    fc.assert(
      fc.property(tiles, fc.array(hashKey, { maxLength: 5 }), (owners, keys) => {
        const router = new HashRouter(owners);
        const near = owners.flatMap(({ range }) => [range.start, range.end]);
        for (const key of [...keys, ...near]) {
          const { range } = router.byHashKey(key);
          assert.ok(range.start <= key && key <= range.end);
        }
      }),
    );
  });

  it('finds the owner of the MD5 of any partition key', () => {
    fc.assert(
      fc.property(tiles, fc.string({ unit: 'grapheme', maxLength: 20 }), (owners, key) => {
        const md5 = BigInt(`0x${createHash('md5').update(key).digest('hex')}`);
        const cut = { range: { start: md5, end: md5 } }; // a boundary that ties in the top bits
        for (const router of [new HashRouter(owners), new HashRouter([...tilesAround(md5), cut])]) {
          const { range } = router.byPartitionKey(key);
          assert.ok(range.start <= md5 && md5 <= range.end);
        }
      }),
    );
  });
});

const tilesAround = (key: bigint): { range: HashRange }[] =>
  [{ range: { start: 0n, end: key - 1n } }, { range: { start: key + 1n, end: hashKeys - 1n } }].filter(
    ({ range }) => range.start <= range.end,
  );

describe('the plan of a reshard', () => {
  it('goes from any shards to equal ones by splits, then merges of neighbours, none without need', () => {
    fc.assert(
      fc.property(tiles, fc.integer({ min: 1, max: 24 }), (shards, count) => {
        const target = uniformRanges(count);
        const open = shards.map(({ range }) => ({ range }));
        const kinds: string[] = [];
        for (let step = nextReshardStep(open, target); step; step = nextReshardStep(open, target)) {
          kinds.push(step.kind);
          const [first, ...others] = step.kind === 'split' ? [step.shard] : [step.left, step.right];
          const { start, end } = { start: first.range.start, end: others[0]?.range.end ?? first.range.end };
          if (step.kind === 'merge') assert.equal(first.range.end + 1n, others[0]?.range.start);
          const made =
            step.kind === 'split'
              ? [
                  { start, end: step.at - 1n },
                  { start: step.at, end },
                ]
              : [{ start, end }];
          assert.ok(made.every((range) => range.start <= range.end));
          open.splice(open.indexOf(first), 1 + others.length, ...made.map((range) => ({ range })));
        }
        assert.deepEqual(
          open.map(({ range }) => range),
          target,
        );
        const boundaries = new Set(shards.map(({ range }) => range.start));
        const splits = target.filter(({ start }) => !boundaries.has(start)).length;
        assert.deepEqual(kinds, [...Array(splits).fill('split'), ...Array(shards.length + splits - count).fill('merge')]);
      }),
    );
  });
});

describe('the plan where a shard ends on a boundary', () => {
  it('splits its last hash key off', () => {
    const half = hashKeys / 2n;
    const open = [{ range: { start: 0n, end: half } }, { range: { start: half + 1n, end: hashKeys - 1n } }];
    assert.deepEqual(nextReshardStep(open, uniformRanges(2)), { kind: 'split', shard: open[0], at: half });
  });
});

describe('sequence numbers', () => {
  const numbers = new SequenceNumbers(1_790_000_000);
  const place = fc.record({ shardIndex: fc.nat(2 ** 32 - 1), counter: fc.nat(Number.MAX_SAFE_INTEGER) }, { noNullPrototype: true });
  const textOf = ({ shardIndex, counter }: { shardIndex: number; counter: number }) => sequenceText(numbers.ofShard(shardIndex), counter);

  it('have 56 digits from 49 on, and carry shard and counter', () => {
    fc.assert(
      fc.property(place, (given) => {
        assert.match(textOf(given), /^49\d{54}$/);
        assert.deepEqual(numbers.decode(textOf(given)), { ...given, behind: false });
      }),
    );
  });

  it('rise with the counter, whatever the shard', () => {
    fc.assert(
      fc.property(place, place, (a, b) => {
        fc.pre(a.counter < b.counter);
        assert.ok(BigInt(textOf(a)) < BigInt(textOf(b)));
      }),
    );
  });

  it('have one between each two of a shard that is told from both', () => {
    fc.assert(
      fc.property(place, (given) => {
        const between = sequenceTextBehind(numbers.ofShard(given.shardIndex), given.counter);
        assert.deepEqual(numbers.decode(between), { ...given, behind: true });
        assert.ok(BigInt(textOf(given)) < BigInt(between));
        assert.ok(BigInt(between) < BigInt(textOf({ ...given, counter: given.counter + 1 })));
      }),
    );
  });

  it('of another stream, and any other number, are not theirs', () => {
    const other = new SequenceNumbers(1_790_000_001);
    assert.equal(numbers.decode(sequenceText(other.ofShard(0), 1)), undefined);
    assert.equal(other.decode(sequenceText(numbers.ofShard(0), 1)), undefined);
    fc.assert(
      fc.property(place, fc.integer({ min: 1, max: 15 }), (given, off) => {
        assert.equal(numbers.decode((BigInt(textOf(given)) + BigInt(off)).toString()), undefined);
      }),
    );
    assert.equal(numbers.decode('0'), undefined);
  });
});
