import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Chains, noRow } from '../../../../../services/lib/windows/tables/chains.ts';

/** Rows that a look for a hash comes by. */
function found(chains: Chains, hash: number): number[] {
  const rows: number[] = [];
  for (let row = chains.first(hash); row !== noRow; row = chains.next(row, hash)) rows.push(row);
  return rows;
}

/** Rows with their hashes, and chains that find them. */
class Rows {
  readonly hashes = new Map<number, number>();
  readonly chains: Chains;
  /** How often a row was moved to another bucket. */
  moves = 0;

  constructor(partitionBits: number) {
    this.chains = new Chains(partitionBits);
  }

  add(row: number, hash: number): void {
    this.chains.add(row, hash, (known) => {
      this.moves++;
      return this.hashes.get(known) ?? assert.fail(`row ${known} was not added before`);
    });
    this.hashes.set(row, hash);
  }

  remove(row: number): void {
    this.chains.remove(row, this.hashes.get(row) as number);
    this.hashes.delete(row);
  }

  check(hash: number): void {
    const rows = found(this.chains, hash);
    assert.equal(new Set(rows).size, rows.length, 'no row twice');
    for (const row of rows) assert.ok(this.hashes.has(row), `row ${row} is there`);
    for (const [row, of] of this.hashes) if (of === hash) assert.ok(rows.includes(row), `row ${row} is found`);
  }
}

/** Many are alike, or in one bucket, or alike in the bits that a reference has of them. */
const hash = fc.oneof(
  fc.nat({ max: 40 }),
  fc.nat({ max: 40 }).map((n) => n << 27),
  fc.integer(),
);

describe('chains', () => {
  it('find every row of a hash, and none that was removed, while rows come, go, and come again for other hashes', () => {
    // The first there can be, and on both sides of where a chunk of links ends.
    const row = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 4_090, max: 4_100 }));
    fc.assert(
      fc.property(fc.array(fc.tuple(row, hash), { maxLength: 120 }), fc.constantFrom(0, 1, 8), (steps, bits) => {
        const rows = new Rows(bits);
        for (const [number, of] of steps) {
          if (rows.hashes.has(number)) rows.remove(number);
          else rows.add(number, of);
          rows.check(of);
        }
        for (const [, of] of steps) rows.check(of);
      }),
    );
  });

  it('take no more memory while rows come and go', () => {
    const rows = new Rows(0);
    for (let row = 1; row <= 100; row++) rows.add(row, row << 20);
    const { bytes } = rows.chains;
    for (let n = 0; n < 10_000; n++) {
      rows.remove((n % 100) + 1);
      rows.add((n % 100) + 1, n << 12);
    }
    assert.equal(rows.chains.bytes, bytes);
  });

  it('come by few rows of other hashes, and move a row seldom, in 8 to 10 bytes a row', () => {
    const rows = new Rows(3);
    const spread = (n: number): number => Math.imul(n, 0x9e3779b1) ^ (Math.imul(n, 0x85ebca6b) >>> 15);
    for (let n = 1; n <= 20_000; n++) rows.add(n, spread(n));
    let looks = 0;
    for (let n = 20_001; n <= 30_000; n++) looks += found(rows.chains, spread(n)).length;
    assert.ok(looks < 10_000 / 16, `${looks} rows for 10,000 hashes`);
    assert.ok(rows.moves < 3 * 20_000, `${rows.moves} moves`);
    const { bytes } = rows.chains;
    assert.ok(bytes > 8 * 20_000 && bytes < 10.5 * 20_000, `${bytes} bytes`);
  });
});
