import assert from 'node:assert/strict';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { createLogger } from '../../../../services/lib/process/log.ts';
import { kinesisReading } from '../../../../services/lib/state/stream-reading.ts';

const hourMs = 3_600_000;
const createdAt = 1_790_000_000_000;

describe('what the age of a stream says of its records, an hour on the safe side', () => {
  const at = (now: number) => {
    const shard = { streamName: 'stream', streamId: `stream@${createdAt / 1_000}`, log: createLogger('test', 'error', () => {}) };
    return kinesisReading(new KinesisClient({}), shard, { retentionHours: 24, now: () => now });
  };

  it('nothing has left it yet while a read that begins now ends before its first record is too old', () => {
    assert.equal(at(createdAt + 23 * hourMs - 1).untrimmed, true);
    assert.equal(at(createdAt + 23 * hourMs).untrimmed, false);
  });

  it('what arrived more than an hour before its retention began has left it', () => {
    assert.equal(at(createdAt + 25 * hourMs).trimmedBefore, createdAt);
  });
});
