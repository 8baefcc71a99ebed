import { type Position, trimHorizon } from '../lib/kcl/position.ts';
import type { StreamRecord } from '../lib/kcl/processor.ts';
import type { Shard } from '../lib/kcl/shards.ts';
import { isPlatformError, PlatformError } from '../lib/process/errors.ts';
import type { Logger } from '../lib/process/log.ts';
import type { CompiledRules } from '../lib/rules/compile.ts';
import { ShardState } from '../lib/rules/shard-state.ts';

export interface RebuildRequest {
  readonly shardId: string;
  /** KCL's checkpoint: what it delivers next lies after it. */
  readonly checkpoint: Position;
  readonly rules: CompiledRules;
  /** All shards the stream still lists. */
  readonly shards: readonly Shard[];
  /** The stream is younger than its retention: no record of it can be gone. */
  readonly untrimmed: boolean;
  readonly read: (shard: Shard, after: Position, upTo: Position | 'end') => AsyncIterable<StreamRecord[]>;
  /**
   * Applies what was read, as a batch that KCL delivers would be. `complete`: nothing before it is missing, so that the alerts it
   * raises are those that were raised before. With a beginning missing, a cooldown would start elsewhere and raise others.
   */
  readonly apply: (state: ShardState, records: readonly StreamRecord[], complete: boolean) => Promise<void>;
  readonly log: Logger;
}

export interface Rebuilt {
  readonly state: ShardState;
  /** False when part of the lineage is, or may be, older than the stream's retention: the state lacks what happened there. */
  readonly complete: boolean;
}

/**
 * The state of a shard at KCL's checkpoint, as a pure function of the stream: its ancestors, oldest first, each from TRIM_HORIZON
 * to its end, then the shard itself up to the checkpoint. Nothing stored can contradict it, because nothing is stored.
 */
export async function rebuild(request: RebuildRequest): Promise<Rebuilt> {
  const byId = new Map(request.shards.map((shard) => [shard.shardId, shard]));
  const own = byId.get(request.shardId);
  if (own === undefined) {
    throw new PlatformError('STREAM_UNAVAILABLE', `the stream does not list its shard ${request.shardId}`, { retriable: true });
  }
  const ancestors = new Map<string, Promise<Rebuilt>>();

  /** Each ancestor is read once, however many paths lead to it. */
  const ended = (shard: Shard): Promise<Rebuilt> => {
    let result = ancestors.get(shard.shardId);
    if (result === undefined) ancestors.set(shard.shardId, (result = readTo(shard, 'end')));
    return result;
  };

  const readTo = async (shard: Shard, upTo: Position | 'end'): Promise<Rebuilt> => {
    const parents = shard.parents.map((id) => byId.get(id)).filter((parent) => parent !== undefined);
    const allListed = parents.length === shard.parents.length;
    if (!allListed) incomplete(request.log, shard, `its parents ${shard.parents.join(', ')} are not all listed any more`);
    const inherited = await Promise.all(parents.map(ended));
    let complete = request.untrimmed && allListed && inherited.every((parent) => parent.complete);
    const state = ShardState.fromParents(
      request.rules,
      inherited.map((parent) => parent.state),
      shard.range,
    );
    try {
      for await (const records of request.read(shard, trimHorizon, upTo)) await request.apply(state, records, complete);
    } catch (error) {
      if (!isPlatformError(error, 'STREAM_TRIMMED')) throw error;
      incomplete(request.log, shard, error.message);
      complete = false;
    }
    return { state, complete };
  };

  return readTo(own, request.checkpoint);
}

function incomplete(log: Logger, shard: Shard, why: string): void {
  log.error(
    { event: 'rebuild.incomplete', shardId: shard.shardId, why },
    `the history of ${shard.shardId} is incomplete: ${why}. Alerts whose evidence lies there will be missing`,
  );
}
