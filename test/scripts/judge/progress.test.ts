import assert from 'node:assert/strict';
import type { SentRecord } from '../../../scripts/generate/send-log.ts';
import { behind, headsOf } from '../../../scripts/judge/progress.ts';
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
});
