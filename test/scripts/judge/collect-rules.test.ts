import assert from 'node:assert/strict';
import { readGenerations } from '../../../scripts/judge/collect-rules.ts';
import { defaultRules, defaultRulesFile } from '../../../services/fraud-detector/default-rules.ts';
import { MemoryRulesStore } from '../../../services/lib/rules/live/memory-rules-store.ts';
import { firstPointer, withGeneration } from '../../../services/lib/rules/live/pointer.ts';

const now = 1_000;
const by = 'test';

describe('the generations of rules that a run is judged by', () => {
  it('are those of the pointer, without what is no rules file', async () => {
    const store = new MemoryRulesStore();
    const audit = { at: now, by, action: 'publish', details: {} } as const;
    const first = firstPointer({ hash: await store.putRules(defaultRulesFile), now, by });
    const broken = withGeneration(first, { hash: await store.putRules(Buffer.from('{}')), now, by });
    const newer = { ...defaultRules, rules: [] };
    const last = withGeneration(broken, { hash: await store.putRules(Buffer.from(JSON.stringify(newer))), now: now * 2, by });
    for (const pointer of [first, broken, last]) assert.equal(await store.writePointer(pointer, audit), 'written');
    assert.deepEqual(await readGenerations(store, now), [
      { generation: 1, activeFrom: 0, rules: defaultRules },
      { generation: 3, activeFrom: 62_000, rules: newer },
    ]);
  });

  it("are the build's own where nothing was published", async () => {
    assert.deepEqual(await readGenerations(new MemoryRulesStore(), now), [{ generation: 1, activeFrom: 0, rules: defaultRules }]);
  });
});
