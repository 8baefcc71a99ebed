import assert from 'node:assert/strict';
import type { SentRecord } from '../../../scripts/generate/send-log.ts';
import { behind, forgottenShards, headsOf } from '../../../scripts/judge/progress.ts';
import { position, shardEnd, trimHorizon } from '../../../services/lib/kcl/position.ts';

const sent = (shardId: string, sequenceNumber: string, stream = 'booking-changes'): SentRecord => ({
  stream,
  shardId,
  sequenceNumber,
  sha256: '',
  sendAt: 0,
  answeredAt: 0,
  label: { expect: 'routed', eventIds: [] },
});

describe('progress of a consumer', () => {
  it('knows the last record of each shard by number, not by time or text', () => {
    const heads = headsOf(
      [sent('a', '99'), sent('a', '100'), sent('b', '7'), sent('a', '8'), sent('a', '999', 'other')],
      'booking-changes',
    );
    assert.deepEqual(
      [...heads],
      [
        ['a', position('100')],
        ['b', position('7')],
      ],
    );
  });

  it('is behind on shards it has not begun, or not finished', () => {
    const heads = new Map([
      ['a', position('100', 3)],
      ['b', position('7', 0)],
      ['c', position('5', 0)],
    ]);
    assert.deepEqual(behind(heads, new Map(), 'sequence'), ['a', 'b', 'c']);
    const reached = new Map([
      ['a', position('99', 9)],
      ['b', shardEnd],
      ['c', trimHorizon],
    ]);
    assert.deepEqual(behind(heads, reached, 'sequence'), ['a', 'c']);
  });

  it('takes a checkpoint at the sequence number for all of its aggregate, a position only for what it says', () => {
    const heads = new Map([['a', position('100', 3)]]);
    const reached = new Map([['a', position('100', 0)]]);
    assert.deepEqual(behind(heads, reached, 'sequence'), []);
    assert.deepEqual(behind(heads, reached, 'position'), ['a']);
    assert.deepEqual(behind(heads, new Map([['a', position('100', 3)]]), 'position'), []);
  });

  describe('on shards without a lease', () => {
    const shard = (shardId: string, parents: string[], closed: boolean) => ({ shardId, parents, closed });
    // 1 -> 2 -> 1
    const lineage = [shard('a', [], true), shard('b', ['a'], true), shard('c', ['a'], true), shard('d', ['b', 'c'], false)];

    it('knows those KCL has forgotten by a lease below, at any depth and wherever it stands', () => {
      assert.deepEqual(forgottenShards(lineage, new Map([['d', trimHorizon]])), ['a', 'b', 'c']);
      assert.deepEqual(forgottenShards(lineage, new Map([['b', position('5')]])), ['a']);
    });

    it('does not take those for finished whose lease was not made yet', () => {
      assert.deepEqual(forgottenShards(lineage, new Map([['a', position('5')]])), []);
      assert.deepEqual(forgottenShards(lineage, new Map([['a', shardEnd]])), []);
      assert.deepEqual(forgottenShards(lineage, new Map()), []);
    });

    it('leaves an open shard unread', () => {
      assert.deepEqual(forgottenShards([shard('d', [], false), shard('e', ['d'], false)], new Map([['e', trimHorizon]])), []);
    });
  });
});
