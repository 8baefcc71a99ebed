import type { DeadLetter } from '../../services/lib/deadletter/format.ts';
import type { ObjectStore } from '../../services/lib/objects/object-store.ts';
import { ensureError } from '../../services/lib/process/errors.ts';
import type { Producer } from '../../services/lib/producer/producer.ts';
import { replayedKey } from './letters.ts';

/** Letters that are sent before the first of them is marked: what a kill between the two sends twice. */
const batchSize = 200;

export interface Sent {
  sent: number;
  readonly failed: { readonly key: string; readonly error: string }[];
}

/**
 * Sends each letter's original bytes under its original key to the stream it came from, and marks it once Kinesis has it.
 * `run` names this replay in the marks. What cannot be sent at all is told and left unmarked.
 */
export async function sendLetters(
  letters: AsyncIterable<{ readonly key: string; readonly letter: DeadLetter }>,
  options: {
    readonly store: ObjectStore;
    readonly producerOf: (stream: string) => Pick<Producer, 'put' | 'flush'>;
    readonly run: string;
    readonly now: () => number;
    readonly signal: AbortSignal;
    readonly onProgress: (sent: number) => void;
  },
): Promise<Sent> {
  const result: Sent = { sent: 0, failed: [] };
  let batch: { readonly key: string; readonly stream: string }[] = [];
  const settle = async (): Promise<void> => {
    for (const stream of new Set(batch.map((each) => each.stream))) await options.producerOf(stream).flush();
    const mark = Buffer.from(`${JSON.stringify({ run: options.run, replayedAt: options.now() })}\n`);
    for (const { key } of batch) await options.store.create(replayedKey(key), mark, 'application/json');
    result.sent += batch.length;
    batch = [];
    options.onProgress(result.sent);
  };
  for await (const { key, letter } of letters) {
    if (options.signal.aborted) break;
    try {
      await options.producerOf(letter.stream).put({ partitionKey: letter.partitionKey, data: letter.data });
      batch.push({ key, stream: letter.stream });
    } catch (error) {
      result.failed.push({ key, error: ensureError(error).message });
    }
    if (batch.length >= batchSize) await settle();
  }
  await settle();
  return result;
}
