import assert from 'node:assert/strict';
import fc from 'fast-check';
import { EventId } from '../../../../../services/lib/windows/tables/event-id.ts';
import { EventSlab, none } from '../../../../../services/lib/windows/tables/event-slab.ts';

const id = new EventId();
const idText = (n: number): string => n.toString(16).padStart(32, '0');

function add(slab: EventSlab, n: number): number {
  id.parse(idText(n));
  return slab.add(id, n);
}

/** Oldest first, read forwards; the ring read backwards must be the same. */
function ring(slab: EventSlab, newest: number): number[] {
  if (newest === none) return [];
  const forwards: number[] = [];
  for (let node = slab.next(newest); ; node = slab.next(node)) {
    assert.equal(slab.idText(node), idText(slab.time(node)));
    forwards.push(slab.time(node));
    if (node === newest) break;
  }
  const backwards = [slab.time(newest)];
  for (let node = slab.previous(newest); node !== newest; node = slab.previous(node)) backwards.push(slab.time(node));
  assert.deepEqual(backwards.reverse(), forwards);
  return forwards;
}

describe('an event slab', () => {
  it('keeps rings like lists, whatever is linked, unlinked and given back', () => {
    const step = fc.record({ ring: fc.nat({ max: 2 }), place: fc.nat({ max: 8 }), remove: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const slab = new EventSlab();
        const models: number[][] = [[], [], []]; // nodes, oldest first
        let n = 0;
        for (const { ring: which, place, remove } of steps) {
          const model = models[which] as number[];
          if (remove && model.length > 0) {
            const [node] = model.splice(place % model.length, 1) as [number];
            slab.unlink(node);
            slab.free(node);
          } else if (!remove) {
            const node = add(slab, ++n);
            // In front of the oldest is behind the newest: a ring has no ends.
            const at = place % (model.length + 1);
            slab.link(node, model[at - 1] ?? model.at(-1) ?? none);
            model.splice(at, 0, node);
          }
        }
        for (const model of models) {
          assert.deepEqual(
            ring(slab, model.at(-1) ?? none),
            model.map((node) => slab.time(node)),
          );
        }
        assert.equal(slab.size, models.flat().length);
      }),
    );
  });

  it('takes 32 bytes a node, and memory only when it says that it is full', () => {
    const slab = new EventSlab();
    const nodes = Array.from({ length: 20_000 }, (_, i) => {
      const [full, bytes] = [slab.full, slab.bytes];
      const node = add(slab, i);
      assert.equal(slab.bytes > bytes, full || bytes === 0);
      return node;
    });
    assert.ok(slab.bytes < 20_000 * 32 + 65_536);
    const { bytes } = slab;
    for (const node of nodes) slab.free(node);
    for (let i = 0; i < 20_000; i++) add(slab, i);
    assert.deepEqual([slab.bytes, slab.size], [bytes, 20_000]);
  });
});
