import { median } from '../harness/bench.ts';
import { assertAllStored, putBodies, putRate } from './puts.ts';
import type { WireClient } from './wire-client.ts';

const streamName = 'limits';
/** So many that none of them comes to its 1,000 records a second: what is measured is the counting, not the refusing. */
const shards = 900;
const rounds = 5;
const requests = 60;

/** PutRecords with limits kept, as a ratio to without: two servers by turns. */
export async function limitsRatio(kept: WireClient, off: WireClient, signal: AbortSignal): Promise<number> {
  const bodies = putBodies(streamName);
  for (const client of [kept, off]) await client.json('CreateStream', { StreamName: streamName, ShardCount: shards });
  const put = (client: WireClient) => putRate(client, bodies, requests, signal, assertAllStored);
  for (const client of [off, kept]) await put(client); // warm both before anything counts
  const ratios: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const without = await put(off);
    ratios.push((await put(kept)) / without);
  }
  for (const client of [kept, off]) await client.json('DeleteStream', { StreamName: streamName });
  return median(ratios);
}
