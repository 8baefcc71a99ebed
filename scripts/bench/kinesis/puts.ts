import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { WireClient } from './wire-client.ts';

export const recordsPerRequest = 500;
const recordBytes = 1_024;
const distinctBodies = 16;
const inFlight = 4;

/** PutRecords bodies of 500 × 1 KB with their own keys, so that all shards are met. */
export function putBodies(streamName: string): Buffer[] {
  return Array.from({ length: distinctBodies }, (_, body) =>
    Buffer.from(
      JSON.stringify({
        StreamName: streamName,
        Records: Array.from({ length: recordsPerRequest }, (_, i) => ({
          Data: randomBytes(recordBytes).toString('base64'),
          PartitionKey: `user-${body * recordsPerRequest + i}`,
        })),
      }),
    ),
  );
}

/** Sends `requests` bodies, four under way at a time; records per second, overall. `check` sees every answer. */
export async function putRate(
  client: WireClient,
  bodies: readonly Buffer[],
  requests: number,
  signal: AbortSignal,
  check: (answer: Buffer) => void,
): Promise<number> {
  let sent = 0;
  const started = performance.now();
  const sender = async () => {
    while (sent < requests) {
      signal.throwIfAborted();
      const body = bodies[sent++ % bodies.length] as Buffer;
      check(await client.call('PutRecords', body, 'json'));
    }
  };
  await Promise.all(Array.from({ length: inFlight }, sender));
  return (requests * recordsPerRequest) / ((performance.now() - started) / 1_000);
}

const noneFailed = '{"FailedRecordCount":0,';
/** A bench whose server refused records would praise the refusal. */
export function assertAllStored(answer: Buffer): void {
  if (answer.toString('latin1', 0, noneFailed.length) !== noneFailed) throw new Error(`not all stored: ${answer.toString('utf8', 0, 300)}`);
}
