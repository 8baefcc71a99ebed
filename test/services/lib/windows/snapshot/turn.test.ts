import assert from 'node:assert/strict';
import { SnapshotTurn } from '../../../../../services/lib/windows/snapshot/turn.ts';
import { WindowError } from '../../../../../services/lib/windows/window-error.ts';

describe('the turn of a snapshot', () => {
  const frames = ['a', 'b', 'c'].map((text) => Buffer.from(text));
  const isEnded = (thrown: unknown): boolean => thrown instanceof WindowError && thrown.code === 'STATE_INVALID';
  let ended: string[] = [];
  let turn = new SnapshotTurn();
  const take = (name: string) => turn.take(frames, () => ended.push(name));

  beforeEach(() => {
    ended = [];
    turn = new SnapshotTurn();
  });

  it('ends when all frames are read', () => {
    assert.deepEqual([...take('whole')], frames);
    assert.deepEqual(ended, ['whole']);
  });

  for (const read of [0, 1, 2, 3]) {
    it(`ends when it is given up after ${read} frames`, () => {
      const snapshot = take('given up');
      for (let i = 0; i < read; i++) assert.equal(snapshot.next().value, frames[i]);
      assert.deepEqual(ended, []);
      snapshot.return(undefined);
      assert.deepEqual(ended, ['given up']);
    });

    it(`ends the one before it, of which ${read} frames are read, and is not ended by that`, () => {
      const older = take('older');
      for (let i = 0; i < read; i++) older.next();
      const newer = take('newer');
      assert.throws(() => [...older], isEnded);
      assert.deepEqual(ended, []);
      assert.deepEqual([...newer], frames);
      assert.deepEqual(ended, ['newer']);
    });
  }
});
