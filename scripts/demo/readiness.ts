import { listShards } from '../../services/lib/kcl/shards.ts';
import type { LocalSystem } from './local-system.ts';
import { parseMetrics } from './scrape.ts';
import type { ServiceProcess } from './service-process.ts';

const scrapeTimeoutMs = 2_000;

/**
 * What a service does not read yet of the shards it must. Asks the process that runs now: its gauge of a shard is there once that
 * shard's child has taken a first batch, empty or not.
 */
export async function notReading({ name, port }: Pick<ServiceProcess, 'name' | 'port'>, shards: readonly string[]): Promise<string[]> {
  if (port === undefined) return [`${name} does not run`];
  let text: string;
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(scrapeTimeoutMs) });
    text = await answer.text();
  } catch {
    return [`${name} does not answer`]; // its launcher is still coming up, or busy: the next look sees
  }
  const samples = parseMetrics(text).filter((sample) => sample.name === 'millis_behind_latest');
  const read = new Set(samples.map(({ labels }) => labels['shard']));
  return shards.filter((shard) => !read.has(shard)).map((shard) => `${name} does not read ${shard}`);
}

/** What some consumer does not read yet of the open shards that it must. */
export async function consumersNotReading({ kinesis, services }: LocalSystem): Promise<string[]> {
  const openShards = async (stream: string) => (await listShards(kinesis, stream)).filter(({ closed }) => !closed).map((s) => s.shardId);
  const [ofChanges, ofEvents] = await Promise.all([openShards('booking-changes'), openShards('booking-events')]);
  const left = await Promise.all([
    notReading(services['event-router'], ofChanges),
    notReading(services['fraud-detector'], ofEvents),
    notReading(services['redshift-loader'], ofEvents),
  ]);
  return left.flat();
}
