import assert from 'node:assert/strict';
import fc from 'fast-check';
import { KeyTable } from '../../../../../services/lib/windows/tables/key-table.ts';
import { PackedKey } from '../../../../../services/lib/windows/tables/packed-key.ts';

const packed = new PackedKey();

/** Keys of every kind: short, exactly as long as a row holds, longer, not ASCII, with NUL, alike in their first words. */
const key = fc.oneof(
  fc.nat({ max: 300 }).map((n) => `user-${n}`),
  fc.nat({ max: 9 }).map((n) => `${'k'.repeat(39)}${n}`),
  fc.nat({ max: 9 }).map((n) => `${'k'.repeat(40)}${n}`),
  fc.nat({ max: 9 }).map((n) => `ü-${n}`),
  fc.constantFrom('', '\0', '\0\0', 'a', 'a\0', '\ud800', '\ufffd', 'abcdé', '\u0141'),
);

/** Sets `lastAt` of a key, as an owner would. */
function put(table: KeyTable, text: string, value: number): void {
  if (!table.find(packed.pack(text))) {
    table.insert(packed);
    assert.deepEqual([table.head, table.count, table.lastAt], [0, 0, Number.NEGATIVE_INFINITY]);
  }
  table.lastAt = value;
  table.head = value * 2;
  table.count = value * 3;
}

function contents(table: KeyTable): Map<string, number> {
  const found = new Map<string, number>();
  table.beginWalk();
  const visit = (): void => {
    assert.deepEqual([table.head, table.count], [table.lastAt * 2, table.lastAt * 3]);
    assert.ok(!found.has(table.key));
    found.set(table.key, table.lastAt);
  };
  for (const _ of table.walk(visit));
  table.endWalk();
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

  it('forgets what is removed, and keeps the number of every other row', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(key, fc.boolean()), { maxLength: 200 }), fc.constantFrom(0, 3), (steps, bits) => {
        const [table, model, rows] = [new KeyTable(bits), new Map<string, number>(), new Map<string, number>()];
        steps.forEach(([text, remove], i) => {
          if (!remove) {
            put(table, text, i);
            model.set(text, i);
            assert.equal(table.row, rows.get(text) ?? table.row);
            rows.set(text, table.row);
          } else if (table.find(packed.pack(text))) {
            table.remove();
            assert.equal(table.find(packed), false);
            model.delete(text);
            rows.delete(text);
          }
        });
        assert.deepEqual(sorted(contents(table)), sorted(model));
        assert.equal(table.size, model.size);
        for (const [text, row] of rows) {
          table.seat(row);
          assert.equal(table.key, text);
        }
        assert.equal(new Set(rows.values()).size, rows.size);
        assert.ok([...rows.values()].every((row) => row < table.end));
      }),
    );
  });

  it('takes the rows that were removed before it takes new memory', () => {
    const table = new KeyTable(0);
    for (let i = 0; i < 2_047; i++) put(table, `user-${i}`, i);
    assert.ok(table.full);
    table.find(packed.pack('user-7'));
    table.remove();
    assert.ok(!table.full);
    const { bytes } = table;
    put(table, 'another', 1);
    assert.deepEqual([table.full, table.bytes], [true, bytes]);
    put(table, 'one more', 1);
    assert.ok(!table.full && table.bytes > bytes);
  });

  it('takes the place of a long key that was removed for the next one', () => {
    const table = new KeyTable(0);
    const long = (i: number): string => `${'k'.repeat(40)}${i}`;
    for (let i = 0; i < 10; i++) put(table, long(i), i);
    const { bytes } = table;
    for (let i = 10; i < 1_000; i++) {
      table.find(packed.pack(long(i - 5)));
      table.remove();
      put(table, long(i), i);
    }
    assert.equal(table.bytes, bytes);
    assert.deepEqual([...contents(table).keys()].sort(), [0, 1, 2, 3, 4, 995, 996, 997, 998, 999].map(long).sort());
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
            if (text.length % 2 === 1) table.remove();
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

  it('writes a key that fills its row beside another and leaves that as it is', () => {
    const table = new KeyTable(0);
    for (const text of ['first', 'second']) put(table, text, 1);
    table.find(packed.pack('first'));
    table.remove();
    put(table, 'k'.repeat(40), 2);
    assert.ok(table.find(packed.pack('second')) && table.find(packed.pack('k'.repeat(40))));
  });

  it('tells keys apart by hash whose codes would run into each other when packed', () => {
    const part = (x: number): string => `\uffff${String.fromCharCode(0xff00 | x)}\uff00a`;
    const hashes = new Set<number>();
    for (let x = 0; x < 90; x++) for (let y = 0; y < 90; y++) hashes.add(packed.pack(part(x) + part(y)).hash);
    assert.ok(hashes.size > 8_090, `${hashes.size} of 8,100`);
  });

  it('takes at most 80 bytes a key', () => {
    const table = new KeyTable();
    for (let i = 0; i < 60_000; i++) put(table, `user-${i}`, 1);
    const bytesPerKey = table.bytes / table.size;
    assert.ok(bytesPerKey >= 64 + 4 + 4 && bytesPerKey < 80, `${bytesPerKey}`);
  });
});
