import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Position, position, trimHorizon } from '../../../../services/lib/kcl/position.ts';
import { chainOf, planBatch, withoutFiles } from '../../../../services/redshift-loader/commit/plan.ts';
import type { FileRow } from '../../../../services/redshift-loader/registry/registry-rows.ts';

const at = (n: number): Position => (n === 0 ? trimHorizon : position(String(n)));

function file(shardId: string, from: number, to: number, more: Partial<FileRow> = {}): FileRow {
  const object = { key: `${shardId}/${from}`, size: 1, sha256: 'x' };
  return { shardId, fileId: `${shardId}-${from}`, from: at(from), to: at(to), rows: 1, csvBytes: 100, registeredAt: to, object, ...more };
}

const limits = { maxFiles: 100, maxBytes: 1_000_000 };
const view = (files: readonly FileRow[], watermark: number, head: number) =>
  chainOf({ shardId: 's', head: at(head), watermark: at(watermark), files });

describe('plan of a commit', () => {
  it('starts a chain only at the watermark, and passes over what is loaded already', () => {
    const files = [file('s', 0, 3), file('s', 3, 5), file('s', 5, 9)];
    assert.deepEqual(view(files, 3, 9).chain, files.slice(1));
    assert.deepEqual(view(files, 9, 9), { shardId: 's', chain: [], gap: false });
  });

  it('ends a chain before a hole', () => {
    const files = [file('s', 0, 3), file('s', 5, 9)];
    assert.deepEqual(view(files, 0, 9).chain, files.slice(0, 1));
  });

  it('sees a gap where something is registered and nothing starts at the watermark', () => {
    assert.equal(view([file('s', 5, 9)], 3, 9).gap, true);
    assert.equal(view([], 3, 9).gap, true);
    assert.equal(view([file('s', 3, 5)], 3, 9).gap, false);
  });

  it('takes the oldest files first, each shard in its own order whatever its clock said', () => {
    const a = [file('a', 0, 1, { registeredAt: 30 }), file('a', 1, 2, { registeredAt: 10 })];
    const b = [file('b', 0, 1, { registeredAt: 20 })];
    const views = [a, b].map((chain, i) => ({ shardId: 'ab'[i] ?? '', chain, gap: false }));
    const plan = planBatch(views, { ...limits, maxFiles: 2 });
    assert.deepEqual(plan, {
      chains: [
        { shardId: 'b', files: b },
        { shardId: 'a', files: [a[0]] },
      ],
      more: true,
    });
  });

  it('takes at least one file, however large, and else keeps to files and bytes', () => {
    const large = file('s', 0, 1, { csvBytes: 10_000_000 });
    assert.deepEqual(planBatch([{ shardId: 's', chain: [large, file('s', 1, 2)], gap: false }], limits).chains, [
      { shardId: 's', files: [large] },
    ]);
  });

  it('holds back a faulty file and what follows it in its shard, nothing else', () => {
    const s = [file('s', 0, 1), file('s', 1, 2), file('s', 2, 3)] as const;
    const t = [file('t', 0, 1)] as const;
    const faulty = new Set(['s/1', 't/0']);
    assert.deepEqual(
      withoutFiles(
        [
          { shardId: 's', chain: s, gap: false },
          { shardId: 't', chain: t, gap: false },
        ],
        faulty,
      ).map((v) => v.chain),
      [[s[0]], []],
    );
  });

  it('never leaves a hole in a chain, whatever is registered', () => {
    const shard = fc.array(fc.record({ bytes: fc.nat(500), at: fc.nat(50) }), { maxLength: 12 });
    fc.assert(
      fc.property(fc.array(shard, { maxLength: 4 }), fc.nat(8), fc.integer({ min: 1, max: 1_500 }), (shards, maxFiles, maxBytes) => {
        const views = shards.map((files, s) => ({
          shardId: `s${s}`,
          chain: files.map((f, i) => file(`s${s}`, i, i + 1, { csvBytes: f.bytes, registeredAt: f.at })),
          gap: false,
        }));
        const { chains, more } = planBatch(views, { maxFiles, maxBytes });
        const taken = chains.flatMap((chain) => chain.files);
        for (const { shardId, files } of chains) {
          assert.deepEqual(files, views.find((v) => v.shardId === shardId)?.chain.slice(0, files.length));
        }
        const all = views.flatMap((v) => v.chain).length;
        assert.equal(more, taken.length < all);
        assert(taken.length <= Math.max(1, maxFiles));
        assert(taken.length <= 1 || taken.reduce((sum, f) => sum + f.csvBytes, 0) <= maxBytes);
        assert(taken.length >= Math.min(1, all));
      }),
    );
  });
});
