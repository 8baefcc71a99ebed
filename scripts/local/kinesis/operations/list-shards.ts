import { constraintBroken, invalidArgument } from '../protocol/errors.ts';
import { type Input, integerIn, oneOfIn, required, structureIn, textIn, timestampIn, together } from '../protocol/input.ts';
import type { Shard } from '../store/shard.ts';
import type { Stream } from '../store/stream.ts';
import { type Call, type Operation, shardIdIn, streamMissing, streamOf, streamReferenceIn } from './call.ts';
import { openPage, sealPage } from './page-token.ts';
import { shardShape } from './shapes.ts';
import { assertActive } from './status.ts';

/** ListShards, API reference: "If you specify a value greater than 1000, at most 1000 results are returned". */
const maxResults = 1_000;
const filterTypes = ['AFTER_SHARD_ID', 'AT_TRIM_HORIZON', 'FROM_TRIM_HORIZON', 'AT_LATEST', 'AT_TIMESTAMP', 'FROM_TIMESTAMP'] as const;

/** ShardFilter as it was first asked for; a NextToken carries it on, since a page takes no other parameters. */
interface Filter {
  readonly type: (typeof filterTypes)[number];
  readonly shardId?: string | undefined;
  readonly timestampMs?: number | undefined;
}

interface Page {
  readonly filter: Filter;
  readonly after: string;
}

export const listShards: Operation = (call) => {
  const { input, codec, store } = call;
  const asked = together({
    after: () => shardIdIn(input, 'ExclusiveStartShardId'),
    limit: () => integerIn(input, 'MaxResults', 1, 10_000),
    token: () => textIn(input, 'NextToken', { max: 1_048_576 }),
    stream: () => streamReferenceIn(input),
  });
  const { stream, more } = asked.token === undefined ? firstPage(call, asked.after ?? '') : laterPage(call, asked.token);
  const { filter, after } = more;
  if (stream.status !== 'UPDATING') assertActive(stream, store);
  const rest = stream.shards.filter((shard) => shard.id > after && passes(shard, filter, stream));
  const page = rest.slice(0, Math.min(asked.limit ?? maxResults, maxResults));
  const next: Page = { filter, after: page.at(-1)?.id ?? after };
  return codec.encode({
    Shards: page.map(shardShape),
    NextToken: rest.length > page.length ? sealPage('ListShards', stream, next, call) : undefined,
  });
};

function firstPage(call: Call, after: string): { readonly stream: Stream; readonly more: Page } {
  const { input, store } = call;
  if (input['StreamName'] == null && input['StreamARN'] == null) {
    throw invalidArgument('Either NextToken or StreamName should be provided.');
  }
  const createdAtMs = timestampIn(input, 'StreamCreationTimestamp');
  const filter = filterIn(input, store.now());
  const stream = streamOf(call);
  // A caller may have the time in whole seconds.
  if (createdAtMs !== undefined && Math.floor(createdAtMs / 1_000) !== Math.floor(stream.createdAtMs / 1_000)) {
    streamMissing(stream.name, store);
  }
  return { stream, more: { filter, after } };
}

function laterPage(call: Call, text: string): { readonly stream: Stream; readonly more: Page } {
  for (const name of ['StreamName', 'StreamARN', 'ExclusiveStartShardId', 'StreamCreationTimestamp', 'ShardFilter']) {
    if (call.input[name] != null) throw invalidArgument(`NextToken and ${name} cannot be provided together.`);
  }
  const { stream, more } = openPage('ListShards', text, call);
  return { stream, more: more as Page };
}

function filterIn(input: Input, nowMs: number): Filter {
  const given = structureIn(input, 'ShardFilter');
  if (given === undefined) return { type: 'FROM_TRIM_HORIZON' };
  const type = required(oneOfIn(given, 'Type', filterTypes), 'ShardFilter.type');
  const shardId = shardIdIn(given, 'ShardId');
  const timestampMs = timestampIn(given, 'Timestamp');
  if ((type === 'AFTER_SHARD_ID') !== (shardId !== undefined)) {
    throw shardId === undefined
      ? constraintBroken('shardFilter.shardId', undefined, 'not be null')
      : invalidArgument(`ShardId must not be given with a shard filter of type ${type}.`);
  }
  if (type.endsWith('_TIMESTAMP') !== (timestampMs !== undefined)) {
    throw timestampMs === undefined
      ? constraintBroken('shardFilter.timestamp', undefined, 'not be null')
      : invalidArgument(`Timestamp must not be given with a shard filter of type ${type}.`);
  }
  if (timestampMs !== undefined && timestampMs > nowMs)
    throw invalidArgument('The timestamp of a shard filter must not lie in the future.');
  return { type, shardId, timestampMs };
}

/** ShardFilter, API reference. The three AT_ filters each answer shards that tile the key space. */
function passes(shard: Shard, filter: Filter, stream: Stream): boolean {
  const timestampMs = filter.timestampMs ?? 0;
  switch (filter.type) {
    case 'AFTER_SHARD_ID':
      return shard.id > (filter.shardId ?? '');
    case 'AT_TRIM_HORIZON':
      return isAtHorizon(shard, stream);
    case 'FROM_TRIM_HORIZON':
      return true;
    case 'AT_LATEST':
      return shard.end === undefined;
    case 'AT_TIMESTAMP':
      if (timestampMs < Math.max(stream.createdAtMs, stream.retention.horizonMs())) return isAtHorizon(shard, stream);
      return shard.startedAtMs <= timestampMs && (shard.end === undefined || shard.end.atMs > timestampMs);
    case 'FROM_TIMESTAMP':
      return shard.end === undefined || shard.end.atMs >= timestampMs;
  }
}

/**
 * Open at the trim horizon. A shard that ended at that very millisecond counts, and its children do not: it may hold records
 * that have not expired. The first shards of a stream count until they have expired.
 */
function isAtHorizon(shard: Shard, stream: Stream): boolean {
  const horizonMs = stream.retention.horizonMs();
  const begun = shard.parentIds.length === 0 || shard.startedAtMs < horizonMs;
  return begun && (shard.end === undefined || shard.end.atMs >= horizonMs);
}
