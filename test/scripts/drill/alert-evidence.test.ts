import assert from 'node:assert/strict';
import { AlertEvidence } from '../../../scripts/drill/alert-evidence.ts';
import { hashKeyOf } from '../../../services/lib/kcl/shards.ts';

const all = { start: 0n, end: 2n ** 128n - 1n };
const message = (key: string, triggeredBy: string, receivedAt: number) => ({
  messageId: triggeredBy,
  topicArn: '',
  attributes: {},
  message: JSON.stringify({ key, triggeredBy }),
  receivedAt,
});

describe('alerts as evidence that a shard is alive', () => {
  const answeredAt = new Map([
    ['before', 100],
    ['after', 300],
    ['later', 400],
  ]);
  const evidence = (): AlertEvidence => new AlertEvidence((eventId) => answeredAt.get(eventId));

  it('counts only those whose record was sent after the moment, however late the alert of an older one comes', () => {
    const seen = evidence();
    seen.look([message('u', 'before', 900)]);
    assert.equal(seen.firstAfter(200, all), undefined);
    seen.look([message('u', 'before', 900), message('u', 'later', 1_000), message('u', 'after', 1_100)]);
    assert.deepEqual([seen.firstAfter(200, all), seen.firstAfter(300, all), seen.firstAfter(400, all)], [1_000, 1_000, undefined]);
  });

  it('counts only those of the range', () => {
    const seen = evidence();
    seen.look([message('u', 'after', 1_000)]);
    const hash = hashKeyOf('u');
    assert.equal(seen.firstAfter(0, { start: hash, end: hash }), 1_000);
    assert.equal(seen.firstAfter(0, { start: hash + 1n, end: all.end }), undefined);
  });

  it('passes over an alert whose record nobody knows', () => {
    const seen = evidence();
    seen.look([message('u', 'unknown', 1_000)]);
    assert.equal(seen.firstAfter(0, all), undefined);
  });
});
