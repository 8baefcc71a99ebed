import assert from 'node:assert/strict';
import { CheckpointMoves } from '../../../scripts/drill/checkpoint-moves.ts';
import { position } from '../../../services/lib/kcl/position.ts';

describe('moves of checkpoints', () => {
  it('are counted by consumer and shard, from the first look on', () => {
    const moves = new CheckpointMoves();
    const see = (consumer: string, shard: string, sequence: string): void => moves.see(consumer, new Map([[shard, position(sequence)]]));
    see('a', 's', '1');
    assert.equal(moves.of('a', 's'), 0);
    see('a', 's', '1');
    see('a', 's', '2');
    see('b', 's', '5');
    see('a', 't', '1');
    see('a', 's', '3');
    assert.deepEqual([moves.of('a', 's'), moves.of('b', 's'), moves.of('a', 't'), moves.of('c', 's')], [2, 0, 0, 0]);
  });
});
