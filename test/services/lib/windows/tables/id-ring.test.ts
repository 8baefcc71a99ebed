import assert from 'node:assert/strict';
import { EventId } from '../../../../../services/lib/windows/tables/event-id.ts';
import { IdRing } from '../../../../../services/lib/windows/tables/id-ring.ts';

const id = new EventId();
/** Rows are numbered modulo this. */
const lap = 2 ** 24;
/** Of a ring of 16 rows. */
const bucketOf = (hash: number): number => hash >>> 28;

interface Known {
  readonly word: number;
  readonly hash: number;
}

/** An id that differs from all before it. */
function idWith(fits: (hash: number) => boolean): Known {
  for (;;) {
    const hash = id.set(++words, 0, 0, 0).hash();
    if (fits(hash)) return { word: words, hash };
  }
}
let words = 0;

/** Another of its bucket for which the filter has a bit too, so that the chain is looked through. */
const likely = (like: Known): Known => idWith((hash) => bucketOf(hash) === bucketOf(like.hash) && (hash & 0xfff) === (like.hash & 0xfff));

describe('an id ring', () => {
  it('knows what it holds where the numbers of its rows come again, and chains lead to rows of other buckets', () => {
    const ring = new IdRing(0);
    const live = 8;
    let rows = 0;
    const add = ({ word, hash }: Known): void => ring.add(id.set(word, 0, 0, 0), hash, rows++, rows - live, false);
    const has = ({ word, hash }: Known): boolean => ring.has(id.set(word, 0, 0, 0), hash, rows - live);

    const [x1, x2] = [1, 2].map(() => idWith((hash) => bucketOf(hash) === 14)) as [Known, Known];
    const [y1, y2] = [1, 2].map(() => idWith((hash) => bucketOf(hash) === 15)) as [Known, Known];
    const [x3, y3] = [likely(x2), likely(y2)];
    const others = Array.from({ length: 2 * live }, () => idWith((hash) => bucketOf(hash) < 14));
    const otherAt = (row: number): Known => others[row % others.length] as Known;

    // Two buckets of which no id comes for a whole lap, …
    add(x1);
    add(y1);
    while (rows < lap) add(otherAt(rows));
    // … and then one of each, in places where it has the number that the other bucket's last one had.
    add(y2);
    add(x2);
    assert.deepEqual([x1, x2, x3, y1, y2, y3].map(has), [false, true, false, false, true, false]);
    for (const before of [3, 4, 5, 6, 7, 8]) assert.ok(has(otherAt(lap + 2 - before)), `${before} rows before`);
    assert.ok(!has(otherAt(lap + 1 - live)));

    while (rows < lap + 100) {
      add(otherAt(rows));
      for (let before = 1; before <= others.length; before++) {
        const row = rows - before;
        if (row > lap + 1) assert.equal(has(otherAt(row)), before <= live, `row ${row} of ${rows}`);
      }
    }
    assert.deepEqual([x2, y2].map(has), [false, false]);
    assert.equal(ring.count, live);
  });
});
