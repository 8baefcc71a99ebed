import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createDeadLetters } from '../../../../services/lib/deadletter/dead-letters.ts';
import { type DeadLetter, decodeDeadLetter } from '../../../../services/lib/deadletter/format.ts';
import type { ObjectStore } from '../../../../services/lib/objects/object-store.ts';
import { PlatformError } from '../../../../services/lib/process/errors.ts';
import { anyBytes } from '../../../support/any-bytes.ts';

const letter: Omit<DeadLetter, 'service'> = {
  stream: 'booking-changes',
  shard: 'shardId-000000000001',
  sequenceNumber: '495',
  subSequenceNumber: 2,
  partitionKey: 'k\u2028',
  data: Buffer.from([0, 255, 0xe2, 0x80, 0xa8]),
  reason: 'not-json',
  error: 'why',
  arrivedAt: 1_700_000_000_000,
};

function memoryStore(failures: number, error: PlatformError): ObjectStore & { readonly objects: Map<string, Buffer> } {
  const objects = new Map<string, Buffer>();
  const unused = () => assert.fail('not used by dead letters');
  let left = failures;
  return {
    objects,
    async create(key, body) {
      if (left-- > 0) throw error;
      if (objects.has(key)) return 'exists';
      objects.set(key, body);
      return 'created';
    },
    read: unused,
    head: unused,
    list: unused,
    delete: unused,
  };
}

const down = new PlatformError('OBJECT_UNAVAILABLE', 'down', { retriable: true });

describe('dead letters', () => {
  it('keep the original bytes, where they came from and why, under the source position', async () => {
    const store = memoryStore(0, down);
    await createDeadLetters(store, 'event-router').put(letter);
    assert.deepEqual([...store.objects.keys()], ['deadletter/event-router/booking-changes/shardId-000000000001/495-2.json']);
    assert.deepEqual(decodeDeadLetter([...store.objects.values()][0]!), { kind: 'ok', value: { ...letter, service: 'event-router' } });
  });

  it('are stored once however often the same position is given up', async () => {
    const store = memoryStore(0, down);
    const letters = createDeadLetters(store, 'event-router');
    await letters.put(letter);
    await letters.put({ ...letter, error: 'again' });
    assert.equal(store.objects.size, 1);
  });

  it('wait for a store that is down, with growing pauses', async () => {
    const store = memoryStore(12, down);
    const pauses: number[] = [];
    await createDeadLetters(store, 'event-router', { random: () => 1, pause: async (ms) => pauses.push(ms) }).put(letter);
    assert.equal(store.objects.size, 1);
    assert.deepEqual(pauses, [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000, 10_000, 10_000]);
  });

  it('do not wait for what waiting cannot cure', async () => {
    const store = memoryStore(1, new PlatformError('INTERNAL', 'a bad key'));
    await assert.rejects(createDeadLetters(store, 'event-router').put(letter), /a bad key/);
  });

  it('are read without throwing, whatever the bytes', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        assert.equal(decodeDeadLetter(bytes).kind, 'deadLetter');
      }),
    );
  });
});
