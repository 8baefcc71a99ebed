import { setTimeout as delay } from 'node:timers/promises';
import { DescribeStreamSummaryCommand, type KinesisClient } from '@aws-sdk/client-kinesis';
import { PlatformError } from '../process/errors.ts';

const pollMs = 250;

/**
 * Waits until the stream can be read and returns its identity, `<name>@<creation epoch s>`.
 * Rejects with STREAM_UNAVAILABLE: at once when there is no such stream, else after `deadlineMs`.
 */
export async function awaitStream(kinesis: KinesisClient, streamName: string, deadlineMs: number, signal?: AbortSignal): Promise<string> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    let found: string;
    try {
      const answer = await kinesis.send(
        new DescribeStreamSummaryCommand({ StreamName: streamName }),
        signal ? { abortSignal: signal } : {},
      );
      const { StreamStatus: status, StreamCreationTimestamp: created } = answer.StreamDescriptionSummary ?? {};
      // UPDATING is a reshard under way: readable.
      if ((status === 'ACTIVE' || status === 'UPDATING') && created) return `${streamName}@${Math.floor(created.getTime() / 1_000)}`;
      found = `is ${status ?? 'of unknown status'}`;
    } catch (cause) {
      signal?.throwIfAborted();
      if ((cause as Error).name === 'ResourceNotFoundException') {
        throw new PlatformError('STREAM_UNAVAILABLE', `there is no stream ${streamName}`, { cause });
      }
      if (performance.now() > deadline) throw new PlatformError('STREAM_UNAVAILABLE', `cannot describe stream ${streamName}`, { cause });
      found = 'does not answer';
    }
    if (performance.now() > deadline) throw new PlatformError('STREAM_UNAVAILABLE', `stream ${streamName} ${found} after ${deadlineMs} ms`);
    await delay(pollMs, undefined, signal ? { signal } : {});
  }
}
