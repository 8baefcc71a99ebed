import assert from 'node:assert/strict';
import { type Delivery, deliveryOf, type Entry } from './evidence.ts';
import { faultsOf, repeated, replayFaultsOf } from './history.ts';

const record = (n: number, key: string, pid = 1): Entry => ({
  at: n,
  pid,
  worker: 'w',
  shard: 's',
  event: 'record',
  key,
  value: `${n} ${n}`,
  position: String(n),
});
const checkpointed = (n: number): Entry => ({ at: n, pid: 1, worker: 'w', shard: 's', event: 'checkpointed', position: String(n) });
const [a0, b1, a2, b3] = [record(0, 'a'), record(1, 'b'), record(2, 'a'), record(3, 'b')];
const again = (entry: Entry): Entry => ({ ...entry, pid: 2 });

describe('what a run of KCL is judged by', () => {
  const faults = (...entries: Entry[]): string => faultsOf(entries.map(deliveryOf) satisfies Delivery[], 4).join();

  it('is content with each record once, in order per key', () => {
    assert.equal(faults(b1, a0, a2, b3), '');
  });

  it('sees a lost, a doubled, a foreign and a late record', () => {
    assert.equal(faults(a0, b1, a2), '3 never came');
    assert.match(faults(a0, b1, a2, b3, a0), /^0 came twice/);
    assert.equal(faults(a0, b1, a2, b3, record(7, 'c')), '7 was never put');
    assert.equal(faults(a2, b1, a0, b3), 'a: 0 came after 2');
  });

  it('is content with records that come again after a restart and were not checkpointed', () => {
    const entries = [a0, b1, checkpointed(1), a2, again(a2), again(b3)];
    assert.deepEqual(replayFaultsOf(entries, 4), []);
    assert.equal(repeated([a2, again(a2), again(b3)].map(deliveryOf)), 1);
  });

  it('sees one that comes after it was checkpointed, one that is skipped, and one out of its order', () => {
    assert.match(replayFaultsOf([a0, b1, checkpointed(1), a2, b3, again(b1)], 4).join(), /^s: 1 1 came after it was checkpointed$/);
    assert.deepEqual(replayFaultsOf([a0, b1, checkpointed(1), again(b3)], 4), ['2 never came']);
    assert.match(replayFaultsOf([a0, b1, a2, b3, b1], 4).join(), /^s: 1 1 came out of order to process 1$/);
  });
});
