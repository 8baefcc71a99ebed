import { median } from '../harness/bench.ts';
import { assertAllStored, putBodies, putRate } from './puts.ts';
import type { WireClient } from './wire-client.ts';

const streamName = 'limits';
/** So many that none of them comes to its 1,000 records a second: what is measured is the counting, not the refusing. */
const shards = 900;
const rounds = 15;
const requests = 60;
/** Both servers have just been started. */
const warmUpRequests = 400;

/** PutRecords with limits kept, as a ratio to without: two servers by turns. */
export async function limitsRatio(kept: WireClient, off: WireClient, signal: AbortSignal): Promise<number> {
  const bodies = putBodies(streamName);
  for (const client of [kept, off]) await client.json('CreateStream', { StreamName: streamName, ShardCount: shards });
  const put = (client: WireClient, count = requests) => putRate(client, bodies, count, signal, assertAllStored);
  for (const client of [off, kept]) await put(client, warmUpRequests);
  const ratios: number[] = [];
  let before = await put(off);
  for (let round = 0; round < rounds; round++) {
    const rate = await put(kept);
    const after = await put(off);
    ratios.push(rate / ((before + after) / 2)); // between two, as the machine may grow busier or less
    before = after;
  }
  for (const client of [kept, off]) await client.json('DeleteStream', { StreamName: streamName });
  return median(ratios);
}
