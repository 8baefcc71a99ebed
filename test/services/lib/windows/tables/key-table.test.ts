import assert from 'node:assert/strict';
import fc from 'fast-check';
import { KeyTable } from '../../../../../services/lib/windows/tables/key-table.ts';
import { PackedKey } from '../../../../../services/lib/windows/tables/packed-key.ts';

const packed = new PackedKey();
const all = (): boolean => true;

/** Keys of every kind: short, exactly as long as a row holds, longer, not ASCII, with NUL, alike in their first words. */
const key = fc.oneof(
  fc.nat({ max: 300 }).map((n) => `user-${n}`),
  fc.nat({ max: 9 }).map((n) => `${'k'.repeat(39)}${n}`),
  fc.nat({ max: 9 }).map((n) => `${'k'.repeat(40)}${n}`),
  fc.nat({ max: 9 }).map((n) => `ü-${n}`),
  fc.constantFrom('', '\0', '\0\0', 'a', 'a\0', '\ud800', '\ufffd', 'abcdé', '\u0141'),
);

/** Sets `lastAt` of a key, as an owner would. */
function put(table: KeyTable, text: string, value: number, keep = all): void {
  if (!table.find(packed.pack(text))) {
    table.insert(packed, keep);
    assert.deepEqual([table.head, table.count, table.lastAt], [0, 0, Number.NEGATIVE_INFINITY]);
  }
  table.lastAt = value;
  table.head = value * 2;
  table.count = value * 3;
}

function contents(table: KeyTable): Map<string, number> {
  const found = new Map<string, number>();
  table.forEach(() => {
    assert.deepEqual([table.head, table.count], [table.lastAt * 2, table.lastAt * 3]);
    assert.ok(!found.has(table.key));
    found.set(table.key, table.lastAt);
  });
  return found;
}

const sorted = (map: Map<string, number>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));

describe('a key table', () => {
  it('holds what a map holds, for keys of any kind', () => {
    fc.assert(
      fc.property(fc.array(key), fc.constantFrom(0, 3, 8), (keys, bits) => {
        const [table, model] = [new KeyTable(bits), new Map<string, number>()];
        keys.forEach((text, i) => {
          assert.equal(table.find(packed.pack(text)), model.has(text));
          put(table, text, i);
          model.set(text, i);
          assert.equal(table.key, text);
        });
        assert.deepEqual(sorted(contents(table)), sorted(model));
        assert.equal(table.size, model.size);
      }),
    );
  });

  it('drops what its owner does not keep when a partition is full, and only then', () => {
    fc.assert(
      fc.property(fc.array(key, { maxLength: 200 }), (keys) => {
        const [table, model] = [new KeyTable(0), new Map<string, number>()];
        keys.forEach((text, i) => {
          const keep = (): boolean => {
            const kept = table.lastAt >= i - 20;
            if (!kept) model.delete(table.key);
            return kept;
          };
          put(table, text, i, keep);
          model.set(text, i);
        });
        assert.deepEqual(sorted(contents(table)), sorted(model));
        assert.ok(table.size <= 70, 'rows that are not kept do not stay');
      }),
    );
  });

  it('walks over the rows as they were when the walk began, if its owner settles what it changes', () => {
    fc.assert(
      fc.property(fc.array(key), fc.array(key), fc.constantFrom(0, 2), fc.integer({ min: 1, max: 9 }), (before, during, bits, pace) => {
        const table = new KeyTable(bits);
        before.forEach((text, i) => put(table, text, i));
        const expected = contents(table);
        const found = new Map<string, number>();
        const visit = (): void => {
          assert.ok(!found.has(table.key), 'no row is visited twice');
          found.set(table.key, table.lastAt);
        };
        table.beginWalk();
        table.beginWalk();
        let next = 0;
        for (const _ of table.walk(visit)) {
          for (const text of during.slice(next, (next += pace))) {
            if (table.find(packed.pack(text)) && table.unsettled()) visit();
            put(table, text, 7);
          }
        }
        assert.deepEqual(sorted(found), sorted(expected));
        const after = contents(table);
        found.clear();
        table.beginWalk();
        assert.equal([...table.walk(visit)].length, after.size);
        assert.deepEqual(sorted(found), sorted(after));
        assert.ok(!before.some((text) => table.find(packed.pack(text)) && table.unsettled()), 'nothing is unsettled without a walk');
      }),
    );
  });

  it('ends a walk when another begins', () => {
    const table = new KeyTable(0);
    for (let i = 0; i < 10; i++) put(table, `user-${i}`, i);
    table.beginWalk();
    let seen = 0;
    const first = table.walk(() => seen++);
    first.next();
    table.beginWalk();
    assert.equal(first.next().done, true);
    assert.equal([...table.walk(() => seen++)].length, 10);
    assert.equal(seen, 11);
  });

  it('moves its hand over every row, a few at a time, round and round', () => {
    const table = new KeyTable(2);
    table.advanceHand(5, () => assert.fail('there is no row'));
    for (let i = 0; i < 50; i++) put(table, `user-${i}`, i);
    const seen = new Map<string, number>();
    for (let i = 0; i < 20; i++) table.advanceHand(5, () => seen.set(table.key, (seen.get(table.key) ?? 0) + 1));
    assert.equal(seen.size, 50);
    assert.ok([...seen.values()].every((times) => times === 2));
    let once = 0;
    table.advanceHand(1_000, () => once++);
    assert.equal(once, 50, 'no row twice in one go');
  });

  it('is filled from another in its order as fast as in any order', () => {
    const table = new KeyTable(0);
    for (let i = 0; i < 60_000; i++) put(table, `user-${i}`, i);
    const copy = new KeyTable(0);
    table.forEach(() => put(copy, table.key, table.lastAt)); // takes minutes, not a fraction of a second, if both hash alike
    assert.equal(copy.size, table.size);
  });

  it('takes at most 95 bytes a key', () => {
    const table = new KeyTable();
    for (let i = 0; i < 60_000; i++) put(table, `user-${i}`, 1);
    const bytesPerKey = table.bytes / table.size;
    assert.ok(bytesPerKey >= 65 / 0.86 && bytesPerKey < 95, `${bytesPerKey}`);
  });
});
