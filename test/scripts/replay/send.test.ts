import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sendLetters } from '../../../scripts/replay/send.ts';
import type { DeadLetter } from '../../../services/lib/deadletter/format.ts';
import { FileStore } from '../../../services/lib/objects/file-store.ts';
import { PlatformError } from '../../../services/lib/process/errors.ts';

const letter = (sequenceNumber: string, stream = 's'): { key: string; letter: DeadLetter } => ({
  key: `deadletter/router/${stream}/shard/${sequenceNumber}-0.json`,
  letter: {
    service: 'router',
    stream,
    shard: 'shard',
    sequenceNumber,
    subSequenceNumber: 0,
    partitionKey: 'k',
    data: Buffer.from(sequenceNumber),
    reason: 'not-json',
    error: '',
    arrivedAt: 1,
  },
});

async function* each<T>(values: readonly T[]): AsyncIterable<T> {
  yield* values;
}

describe('sending dead letters', () => {
  let folder: string;
  let store: FileStore;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'replay-'));
    store = new FileStore(folder);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const marks = async (): Promise<string[]> => {
    const keys: string[] = [];
    for await (const { key } of store.list('replayed/')) keys.push(key);
    return keys;
  };
  const options = (producerOf: Parameters<typeof sendLetters>[1]['producerOf'], signal = new AbortController().signal) => ({
    store,
    producerOf,
    run: 'r',
    now: () => 1,
    signal,
    onProgress: () => {},
  });

  it('marks none that Kinesis may not have', async () => {
    const failure = new PlatformError('PUT_FAILED', 'no');
    const producer = { put: async () => undefined, flush: () => Promise.reject(failure) };
    await assert.rejects(
      sendLetters(
        each([letter('1')]),
        options(() => producer),
      ),
      failure,
    );
    assert.deepEqual(await marks(), []);
  });

  it('marks what went to each stream once it is flushed, and not what cannot be put', async () => {
    const unflushed = new Map<string, number>();
    const producerOf = (stream: string) => ({
      async put({ data }: { data: Buffer }) {
        if (String(data) === '2') throw new PlatformError('PUT_FAILED', 'too large');
        unflushed.set(stream, (unflushed.get(stream) ?? 0) + 1);
      },
      async flush() {
        assert.deepEqual(await marks(), []);
        unflushed.delete(stream);
      },
    });
    const sent = await sendLetters(each([letter('1', 'a'), letter('2', 'a'), letter('3', 'b')]), options(producerOf));
    assert.equal(unflushed.size, 0);
    assert.equal(sent.sent, 2);
    assert.deepEqual(sent.failed, [{ key: 'deadletter/router/a/shard/2-0.json', error: 'too large' }]);
    assert.deepEqual(await marks(), ['replayed/router/a/shard/1-0.json', 'replayed/router/b/shard/3-0.json']);
  });

  it('finishes what it has put when it is stopped', async () => {
    const stop = new AbortController();
    const producer = { put: async () => stop.abort(), flush: async () => undefined };
    const sent = await sendLetters(
      each([letter('1'), letter('2')]),
      options(() => producer, stop.signal),
    );
    assert.equal(sent.sent, 1);
    assert.deepEqual(await marks(), ['replayed/router/s/shard/1-0.json']);
  });
});
