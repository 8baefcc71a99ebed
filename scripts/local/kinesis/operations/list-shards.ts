import { ApiError, constraintBroken, invalidArgument } from '../protocol/errors.ts';
import { type Input, integerIn, oneOfIn, required, structureIn, textIn, timestampIn } from '../protocol/input.ts';
import type { Shard } from '../store/shard.ts';
import type { Stream } from '../store/stream.ts';
import { type Call, type Operation, shardIdIn, streamOf } from './call.ts';
import { shardShape } from './shapes.ts';

const defaultResults = 1_000;
const tokenLifeMs = 300_000; // ListShards, API reference: "Tokens expire after 300 seconds"
const filterTypes = ['AFTER_SHARD_ID', 'AT_TRIM_HORIZON', 'FROM_TRIM_HORIZON', 'AT_LATEST', 'AT_TIMESTAMP', 'FROM_TIMESTAMP'] as const;

/** ShardFilter as it was first asked for; a NextToken carries it on, since a page takes no other parameters. */
interface Filter {
  readonly type: (typeof filterTypes)[number];
  readonly shardId?: string | undefined;
  readonly timestampMs?: number | undefined;
}

interface Page {
  readonly stream: Stream;
  readonly filter: Filter;
  readonly after: string;
}

interface PageToken {
  readonly name: string;
  readonly incarnation: number;
  readonly filter: Filter;
  readonly after: string;
  readonly issuedAtMs: number;
}

export const listShards: Operation = (call) => {
  const { input, codec, tokens, store } = call;
  const limit = integerIn(input, 'MaxResults', 1, 10_000) ?? defaultResults;
  const { stream, filter, after } = input['NextToken'] == null ? firstPage(call) : laterPage(call);
  const rest = stream.shards.filter((shard) => shard.id > after && passes(shard, filter));
  const page = rest.slice(0, limit);
  const token: PageToken = {
    name: stream.name,
    incarnation: stream.incarnation,
    filter,
    after: page.at(-1)?.id ?? after,
    issuedAtMs: store.now(),
  };
  return codec.encode({ Shards: page.map(shardShape), NextToken: rest.length > page.length ? tokens.seal(token) : undefined });
};

function firstPage(call: Call): Page {
  const stream = streamOf(call);
  return { stream, filter: filterIn(call.input, call.store.now()), after: shardIdIn(call.input, 'ExclusiveStartShardId') ?? '' };
}

function laterPage({ input, tokens, store }: Call): Page {
  for (const name of ['StreamName', 'StreamARN', 'ExclusiveStartShardId', 'StreamCreationTimestamp', 'ShardFilter']) {
    if (input[name] != null) throw invalidArgument(`NextToken and ${name} cannot be provided together.`);
  }
  const token = tokens.open(required(textIn(input, 'NextToken', { max: 1_048_576 }), 'NextToken')) as PageToken | undefined;
  const stream = typeof token === 'object' ? store.get(token.name) : undefined;
  if (token === undefined || stream?.incarnation !== token.incarnation) throw invalidArgument('The NextToken is invalid.');
  if (store.now() - token.issuedAtMs > tokenLifeMs) throw new ApiError('ExpiredNextTokenException', 'The NextToken has expired.');
  return { stream, filter: token.filter, after: token.after };
}

function filterIn(input: Input, nowMs: number): Filter {
  const given = structureIn(input, 'ShardFilter');
  if (given === undefined) return { type: 'FROM_TRIM_HORIZON' };
  const type = required(oneOfIn(given, 'Type', filterTypes), 'Type');
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

/**
 * ShardFilter, API reference. The three AT_ filters each answer shards that tile the key space. Nothing is dropped from a
 * stream's list of shards here, so all lie within retention and those at the trim horizon are those without parents.
 */
function passes(shard: Shard, filter: Filter): boolean {
  const timestampMs = filter.timestampMs ?? 0;
  switch (filter.type) {
    case 'AFTER_SHARD_ID':
      return shard.id > (filter.shardId ?? '');
    case 'AT_TRIM_HORIZON':
      return shard.parents.length === 0;
    case 'FROM_TRIM_HORIZON':
      return true;
    case 'AT_LATEST':
      return shard.end === undefined;
    case 'AT_TIMESTAMP':
      return (shard.startedAtMs <= timestampMs || shard.parents.length === 0) && (shard.end === undefined || shard.end.atMs > timestampMs);
    case 'FROM_TIMESTAMP':
      return shard.end === undefined || shard.end.atMs >= timestampMs;
  }
}
