import { type KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import type { Entry } from './transfer.ts';

/** Limits of one PutRecords that we keep; AWS takes 500 records and 10 MiB (API reference, PutRecords). */
export const maxRequestEntries = 500;
export const maxRequestBytes = 5 * 1_048_576;

export type Answer = { readonly kind: 'landed'; readonly shardId: string } | { readonly kind: 'failed'; readonly code: string };

export function splitIntoRequests(entries: readonly Entry[]): Entry[][] {
  const requests: Entry[][] = [];
  let bytes = 0;
  for (const entry of entries) {
    const last = requests.at(-1);
    if (last === undefined || last.length >= maxRequestEntries || bytes + entry.bytes > maxRequestBytes) {
      requests.push([entry]);
      bytes = entry.bytes;
    } else {
      last.push(entry);
      bytes += entry.bytes;
    }
  }
  return requests;
}

/** One answer per entry, in order. Rejects when there is no usable answer: then nothing is known of any entry. */
export async function putRecords(kinesis: KinesisClient, streamName: string, entries: readonly Entry[]): Promise<Answer[]> {
  const { Records = [] } = await kinesis.send(
    new PutRecordsCommand({ StreamName: streamName, Records: entries.map((entry) => entry.request) }),
  );
  return entries.map((_, i) => {
    const result = Records[i];
    if (result?.ShardId !== undefined && result.ErrorCode === undefined) return { kind: 'landed', shardId: result.ShardId };
    return { kind: 'failed', code: result?.ErrorCode ?? 'NoAnswer' };
  });
}
