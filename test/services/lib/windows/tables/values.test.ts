import assert from 'node:assert/strict';
import fc from 'fast-check';
import { NodeColumn } from '../../../../../services/lib/windows/tables/node-column.ts';
import { type Scalar, ValueTable } from '../../../../../services/lib/windows/tables/value-table.ts';

describe('a value table', () => {
  it('tells values apart by type and value', () => {
    const table = new ValueTable();
    const values: Scalar[] = ['1', 1, 'true', true, 'null', null, false, 0, '', 'a'];
    const handles = values.map((value) => table.hold(value));
    assert.equal(new Set(handles).size, values.length);
    assert.deepEqual(
      handles.map((handle) => table.valueOf(handle)),
      values,
    );
    assert.equal(table.find(-0), table.find(0));
  });

  it('keeps a value exactly as long as it is held', () => {
    const step = fc.record({ value: fc.constantFrom<Scalar>('a', 'b', 1, 2, null, true), hold: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const table = new ValueTable();
        const held = new Map<Scalar, { handle: number; times: number }>();
        for (const { value, hold } of steps) {
          const known = held.get(value);
          if (hold) {
            const handle = table.hold(value);
            assert.equal(handle, known?.handle ?? handle, 'a value that is held keeps its handle');
            held.set(value, { handle, times: (known?.times ?? 0) + 1 });
          } else if (known !== undefined) {
            table.release(known.handle);
            if (known.times === 1) held.delete(value);
            else held.set(value, { handle: known.handle, times: known.times - 1 });
          }
          assert.equal(table.size, held.size);
          assert.equal(table.find(value), held.get(value)?.handle);
        }
        for (const [value, { handle }] of held) assert.equal(table.valueOf(handle), value);
        assert.equal(new Set([...held.values()].map(({ handle }) => handle)).size, held.size);
      }),
    );
  });
});

describe('a node column', () => {
  it('holds a number per node, in memory that comes with the nodes', () => {
    const column = new NodeColumn((nodes) => new Float64Array(nodes));
    assert.equal(column.bytes, 0);
    for (const node of [1, 2_047, 2_048, 9_000]) column.set(node, node + 0.5);
    assert.deepEqual(
      [1, 2_047, 2_048, 9_000, 2].map((node) => column.get(node)),
      [1.5, 2_047.5, 2_048.5, 9_000.5, 0],
    );
    assert.equal(column.bytes, 5 * 2_048 * 8);
  });
});
