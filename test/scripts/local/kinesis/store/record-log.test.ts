import assert from 'node:assert/strict';
import fc from 'fast-check';
import { SlabArena } from '../../../../../scripts/local/kinesis/store/arena.ts';
import { type Batch, RecordLog } from '../../../../../scripts/local/kinesis/store/record-log.ts';
import { headerBytes, slabBytes } from '../../../../../scripts/local/kinesis/store/slab.ts';

const scratch = Buffer.alloc(1_048_576, 'abc');
const countersOf = ({ pieces }: Batch): number[] =>
  pieces.flatMap(({ slab, from, to }) => Array.from({ length: to - from }, (_, i) => slab.counterOf(from + i)));

interface Written {
  readonly counter: number;
  readonly arrivalMs: number;
  readonly size: number;
}

/** Appends records whose counters and arrivals rise by the given steps, and keeps what was written beside it. */
function fill(log: RecordLog, steps: readonly { counter: number; arrival: number; size: number }[]): Written[] {
  let counter = 0;
  let arrivalMs = 1_000;
  return steps.map(({ counter: by, arrival, size }) => {
    counter += by;
    arrivalMs += arrival;
    log.append(counter, arrivalMs, 'k', 1, scratch, 0, size);
    return { counter, arrivalMs, size: size + 1 };
  });
}

const steps = fc.array(
  fc.record({ counter: fc.integer({ min: 1, max: 3 }), arrival: fc.nat(2), size: fc.oneof(fc.nat(100), fc.nat(400_000)) }),
  { maxLength: 60 },
);

describe('the log of a shard', () => {
  it('reads like a list: from a position, within both caps, telling what comes next', () => {
    const caps = fc.record({ position: fc.nat(150), records: fc.integer({ min: 1, max: 70 }), bytes: fc.nat(3_000_000) });
    fc.assert(
      fc.property(steps, caps, (given, { position, records, bytes }) => {
        const log = new RecordLog(new SlabArena(100_000_000, () => {}));
        const rest = fill(log, given).filter(({ counter }) => counter >= position);
        let expected = 0;
        let total = 0;
        while (expected < Math.min(rest.length, records)) {
          const size = rest[expected]?.size ?? 0;
          if (expected > 0 && total + size > bytes) break;
          total += size;
          expected += 1;
        }
        const batch = log.read(position, records, bytes);
        assert.deepEqual(
          countersOf(batch),
          rest.slice(0, expected).map(({ counter }) => counter),
        );
        assert.deepEqual([batch.count, batch.bytes], [expected, total]);
        const next = rest[expected];
        assert.deepEqual(batch.next, next && { counter: next.counter, arrivalMs: next.arrivalMs });
      }),
      { numRuns: 60 },
    );
  });

  it('finds the first record that arrived at or after a time', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 990, max: 1_130 }), (given, timeMs) => {
        const log = new RecordLog(new SlabArena(100_000_000, () => {}));
        const written = fill(log, given);
        assert.equal(log.firstArrivedFrom(timeMs), written.find(({ arrivalMs }) => arrivalMs >= timeMs)?.counter);
      }),
      { numRuns: 60 },
    );
  });

  it('has lost what arrived before the horizon, for good, and reads the rest like a list', () => {
    const rising = fc.array(fc.nat(60), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(steps, rising, fc.nat(150), fc.integer({ min: 990, max: 1_130 }), (given, horizons, position, timeMs) => {
        let horizonMs = 0;
        const log = new RecordLog(new SlabArena(100_000_000, () => {}), () => horizonMs);
        const written = fill(log, given);
        let highest = 0;
        for (const above of horizons) {
          horizonMs = 1_000 + above;
          highest = Math.max(highest, horizonMs);
          const rest = written.filter(({ arrivalMs }) => arrivalMs >= highest);
          const expected = rest.filter(({ counter }) => counter >= position).map(({ counter }) => counter);
          assert.deepEqual(countersOf(log.read(position, 1_000, 1e9)), expected);
          assert.equal(log.firstArrivedFrom(timeMs), rest.find(({ arrivalMs }) => arrivalMs >= timeMs)?.counter);
        }
        const later = { counter: (written.at(-1)?.counter ?? 0) + 1, arrivalMs: 2_000 };
        log.append(later.counter, later.arrivalMs, 'k', 1, scratch, 0, 10);
        assert.equal(countersOf(log.read(0, 1_000, 1e9)).at(-1), later.counter);
      }),
      { numRuns: 60 },
    );
  });

  it('keeps 30,000 records of a byte apart in one slab', () => {
    const log = new RecordLog(new SlabArena(slabBytes, () => assert.fail('trimmed')));
    const perSlab = Math.floor(slabBytes / (headerBytes + 2));
    for (let i = 0; i < perSlab; i++) log.append(i, i, 'k', 1, scratch, i % 3, (i % 3) + 1);
    const { pieces } = log.read(perSlab - 3, 10, 1_000);
    const [piece] = pieces;
    assert.ok(piece);
    const letters = [piece.from, piece.from + 1, piece.from + 2].map((i) => {
      const at = piece.slab.offsetOf(i) + headerBytes + 1;
      return piece.slab.bytes.toString('latin1', at, at + 1);
    });
    assert.deepEqual(
      letters,
      [perSlab - 3, perSlab - 2, perSlab - 1].map((i) => 'abc'[i % 3]),
    );
  });
});

describe('the arena of slabs', () => {
  it('refuses a cap that holds no slab', () => {
    assert.throws(() => new SlabArena(slabBytes - 1, () => {}), RangeError);
  });

  it('takes the slab whose newest record is the oldest, of whichever log', () => {
    let trims = 0;
    const arena = new SlabArena(slabBytes * 3, () => (trims += 1));
    const [quiet, busy] = [new RecordLog(arena), new RecordLog(arena)];
    const half = Math.floor(slabBytes / 2);
    quiet.append(1, 10, 'k', 1, scratch, 0, half);
    busy.append(1, 5, 'k', 1, scratch, 0, half);
    quiet.append(2, 30, 'k', 1, scratch, 0, 8); // the quiet log's only slab is young again
    busy.append(2, 20, 'k', 1, scratch, 0, half);
    assert.equal(trims, 0);
    busy.append(3, 40, 'k', 1, scratch, 0, half);
    assert.equal(trims, 1);
    assert.deepEqual(countersOf(busy.read(0, 10, 1e9)), [2, 3]);
    assert.deepEqual(countersOf(quiet.read(0, 10, 1e9)), [1, 2]);
  });

  it('gives the slabs of a released log to others', () => {
    const arena = new SlabArena(slabBytes, () => assert.fail('trimmed'));
    const gone = new RecordLog(arena);
    gone.append(1, 1, 'k', 1, scratch, 0, 1_000);
    gone.release();
    const next = new RecordLog(arena);
    next.append(7, 1, 'k', 1, scratch, 0, 1_000);
    assert.deepEqual([countersOf(gone.read(0, 10, 1e9)), countersOf(next.read(0, 10, 1e9))], [[], [7]]);
  });
});
