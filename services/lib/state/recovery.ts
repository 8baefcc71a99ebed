import { type Position, trimHorizon } from '../kcl/position.ts';
import type { StreamRecord } from '../kcl/processor.ts';
import type { Shard } from '../kcl/shards.ts';
import { isPlatformError, PlatformError } from '../process/errors.ts';
import type { Logger } from '../process/log.ts';
import type { Metrics } from '../process/metrics.ts';
import { assertNewest, type Taken } from './ownership.ts';
import { isSnapshotFault, type SnapshotObjects, UnusableSnapshot } from './snapshot-objects.ts';
import type { SavedState, StateModel } from './state-model.ts';
import type { SnapshotRef, StateRow } from './state-row.ts';
import type { StateTable } from './state-table.ts';
import type { StreamReading } from './stream-reading.ts';
import { type Patience, untilAnswered } from './until-answered.ts';

export interface RecoveryParts<State, Effect> {
  readonly model: StateModel<State, Effect>;
  readonly table: StateTable;
  readonly objects: SnapshotObjects;
  readonly stream: StreamReading;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly patience: Patience;
}

/** What a state came from, for who reads the log. */
type Origin = 'the newest snapshot' | 'the snapshot before the newest' | 'the last states of its parents' | 'the stream';

export interface Recovered<State> {
  readonly state: State;
  readonly from: Origin;
  /** All records up to it are in the state. */
  readonly position: Position;
  /** The snapshot it came from. */
  readonly base: SnapshotRef | undefined;
  /** Not from the newest snapshot there should be: another one is to be written at once. */
  readonly fellBack: boolean;
}

/**
 * Finds a shard's state: the newest snapshot, else the one before it, else what its parents' last states hold of its keys, else nothing.
 * What lies between that and KCL's checkpoint is the caller's to read.
 */
export class Recovery<State, Effect> {
  readonly #parts: RecoveryParts<State, Effect>;
  readonly #taken: Taken;
  /** Each ancestor that must be rebuilt is read once, however many paths lead to it. */
  readonly #rebuilt = new Map<string, Promise<State>>();
  #listed: Promise<ReadonlyMap<string, Shard>> | undefined;
  #complete = true;

  constructor(parts: RecoveryParts<State, Effect>, taken: Taken) {
    this.#parts = parts;
    this.#taken = taken;
  }

  async recover(): Promise<Recovered<State>> {
    const { row, fence } = this.#taken;
    const stored = await this.#newestUsable(fence.shardId, row);
    if (stored !== undefined) {
      const { position } = stored.base;
      // Saved before its first record: that may have gone since.
      if (position === trimHorizon) await this.#judgeBeginning(await this.shard(fence.shardId));
      if (!this.#complete) this.#parts.model.markIncomplete(stored.state);
      const fellBack = stored.base !== row.current;
      return { ...stored, from: fellBack ? 'the snapshot before the newest' : 'the newest snapshot', position, fellBack };
    }
    const lost = row.current !== undefined;
    if (lost) {
      this.#parts.metrics.count('state_rebuilt');
      this.#parts.log.error(
        { event: 'state.lost', shardId: fence.shardId },
        'no snapshot can be used: the state is rebuilt from the stream',
      );
    }
    const { state, from } = await this.#origin(await this.shard(fence.shardId));
    if (!this.#complete) this.#parts.model.markIncomplete(state);
    return { state, from, position: trimHorizon, base: undefined, fellBack: lost };
  }

  /** As the stream lists it. Rejects with STREAM_UNAVAILABLE when it does not. */
  async shard(shardId: string): Promise<Shard> {
    const shard = (await this.#shards()).get(shardId);
    if (shard === undefined)
      throw new PlatformError('STREAM_UNAVAILABLE', `the stream does not list its shard ${shardId}`, { retriable: true });
    return shard;
  }

  async #newestUsable(shardId: string, row: StateRow): Promise<{ state: State; base: SnapshotRef } | undefined> {
    const { model, objects } = this.#parts;
    for (const ref of [row.current, row.previous]) {
      if (ref === undefined) continue;
      try {
        return { state: await objects.use(shardId, ref, (saved) => model.restore(saved)), base: ref };
      } catch (error) {
        if (!(error instanceof UnusableSnapshot)) throw error;
        await this.#unusable(error);
      }
    }
    return undefined;
  }

  /** The state of a shard before its first record. */
  async #origin(shard: Shard): Promise<{ state: State; from: Origin }> {
    const { model } = this.#parts;
    await this.#judgeBeginning(shard);
    if (shard.parents.length === 0) return { state: await model.fresh(shard.range), from: 'the stream' };
    /** Parents whose finals turned out to be unsound while they were read. */
    const unusable = new Set<string>();
    for (;;) {
      const parents = await this.#lastStates(shard, unusable);
      try {
        const state = await model.inherit(
          shard.range,
          parents.map(({ saved }) => saved),
        );
        return { state, from: parents.some(({ ref }) => ref !== undefined) ? 'the last states of its parents' : 'the stream' };
      } catch (error) {
        if (!isSnapshotFault(error)) throw error;
        const before = unusable.size;
        for (const { shardId, ref } of parents) if (ref !== undefined && !(await this.#isUsable(shardId, ref))) unusable.add(shardId);
        if (unusable.size === before) throw error;
      }
    }
  }

  async #judgeBeginning(shard: Shard): Promise<void> {
    if (this.#parts.stream.untrimmed || (await this.#beganOfLate(shard))) return;
    await this.#incomplete(shard.shardId, 'its first records are older than the retention');
  }

  /** One after the other: a model prepares for the records of one state at a time, and any of them may have to be rebuilt. */
  async #lastStates(child: Shard, unusable: ReadonlySet<string>): Promise<readonly LastState[]> {
    const lastStates: LastState[] = [];
    for (const parentId of child.parents) {
      const found = await this.#lastState(child, parentId, unusable);
      if (found !== undefined) lastStates.push(found);
    }
    return lastStates;
  }

  /**
   * What a parent knew at its end: its final snapshot, else the one before and the rest of its records, else all of it rebuilt.
   * Undefined when nothing of it is left.
   */
  async #lastState(child: Shard, parentId: string, unusable: ReadonlySet<string>): Promise<LastState | undefined> {
    const { table, objects, log, metrics, patience } = this.#parts;
    const row = await untilAnswered("read a parent's state row", () => table.read(parentId), patience);
    const ref = row?.final === true && !row.retired ? row.current : undefined;
    if (ref !== undefined) {
      try {
        if (!unusable.has(parentId)) return { shardId: parentId, ref, saved: await objects.open(parentId, ref) };
      } catch (error) {
        if (!(error instanceof UnusableSnapshot)) throw error;
        await this.#unusable(error);
      }
    } else {
      await this.#assertOurs();
      metrics.count('final_missing');
      log.error(
        { event: 'final.missing', shardId: child.shardId, parent: parentId },
        `the last state of ${parentId} is not there: it is rebuilt from the stream`,
      );
    }
    const parent = (await this.#shards()).get(parentId);
    if (parent === undefined) {
      await this.#incomplete(child.shardId, `its parent ${parentId} is not listed any more`);
      return undefined;
    }
    const state = await this.#rebuild(parent, row);
    return { shardId: parentId, ref: undefined, saved: savedAgain(this.#parts.model, state) };
  }

  /** Within the retention: a shard is listed until all its records have expired, so a parent that is listed ended no longer ago. */
  async #beganOfLate({ parents }: Shard): Promise<boolean> {
    const listed = await this.#shards();
    return parents.some((parent) => listed.has(parent));
  }

  #rebuild(parent: Shard, row: StateRow | undefined): Promise<State> {
    const { shardId } = parent;
    let rebuilt = this.#rebuilt.get(shardId);
    if (rebuilt === undefined) this.#rebuilt.set(shardId, (rebuilt = this.#readToEnd(parent, row)));
    return rebuilt;
  }

  /** Raises nothing: what a parent raised was durable before its end was. */
  async #readToEnd(parent: Shard, row: StateRow | undefined): Promise<State> {
    const { model, stream } = this.#parts;
    const before = row?.previous === undefined ? undefined : await this.#newestUsable(parent.shardId, { ...row, current: undefined });
    const state = before?.state ?? (await this.#origin(parent)).state;
    const skips = new Set(row?.skips.map(({ position }) => position));
    const apply = async (records: readonly StreamRecord[]): Promise<void> => {
      const wanted = records.filter(({ position }) => !skips.has(position));
      await model.prepare(state, wanted);
      for (const record of wanted) {
        await model.before(state, record);
        try {
          model.apply(state, record);
        } catch {
          // As when it was applied first: the record is among the dead letters, and the state is as before.
        }
      }
    };
    await readGap({
      stream,
      shard: parent,
      after: before?.base.position ?? trimHorizon,
      upTo: 'end',
      apply,
      onTrimmed: (why) => this.#incomplete(parent.shardId, why),
    });
    return state;
  }

  #assertOurs(): Promise<void> {
    return assertNewest(this.#parts.table, this.#taken.fence, this.#parts.patience);
  }

  async #isUsable(shardId: string, ref: SnapshotRef): Promise<boolean> {
    try {
      await this.#parts.objects.use(shardId, ref, (saved) => this.#parts.model.check(saved));
      return true;
    } catch (error) {
      if (!(error instanceof UnusableSnapshot)) throw error;
      await this.#unusable(error);
      return false;
    }
  }

  #shards(): Promise<ReadonlyMap<string, Shard>> {
    const { stream, patience } = this.#parts;
    this.#listed ??= untilAnswered('list the shards', () => stream.listShards(), patience).then(
      (shards) => new Map(shards.map((shard) => [shard.shardId, shard])),
    );
    return this.#listed;
  }

  async #unusable(error: UnusableSnapshot): Promise<void> {
    await this.#assertOurs();
    this.#parts.metrics.count('snapshots_unusable');
    this.#parts.log.error({ event: 'snapshot.unusable', shardId: error.shardId, ...error.ref, err: error }, 'a snapshot cannot be used');
  }

  async #incomplete(shardId: string, why: string): Promise<void> {
    await this.#assertOurs();
    this.#complete = false;
    this.#parts.metrics.count('state_incomplete');
    this.#parts.log.error(
      { event: 'state.incomplete', shardId, why },
      `the history of ${shardId} is incomplete: ${why}. What it raises is marked`,
    );
  }
}

interface LastState {
  readonly shardId: string;
  /** Undefined for a state that was rebuilt. */
  readonly ref: SnapshotRef | undefined;
  readonly saved: SavedState;
}

function savedAgain<State, Effect>(model: StateModel<State, Effect>, state: State): SavedState {
  const { generation, meta, frames } = model.save(state);
  return { generation, meta, frames: asStream(frames) };
}

async function* asStream(frames: Iterable<Buffer>): AsyncGenerator<Buffer> {
  yield* frames;
}

/**
 * Reads what lies between two positions from the stream itself. Where the beginning of it is gone, says so and goes on with what is left.
 */
export async function readGap(gap: {
  readonly stream: StreamReading;
  readonly shard: Shard;
  readonly after: Position;
  readonly upTo: Position | 'end';
  readonly apply: (records: readonly StreamRecord[]) => Promise<void>;
  readonly onTrimmed: (why: string) => Promise<void> | void;
}): Promise<void> {
  const { stream, shard, after, upTo, apply, onTrimmed } = gap;
  for (const from of after === trimHorizon ? [trimHorizon] : [after, trimHorizon]) {
    try {
      for await (const records of stream.read(shard, from, upTo)) await apply(records);
      return;
    } catch (error) {
      if (!isPlatformError(error, 'STREAM_TRIMMED')) throw error;
      await onTrimmed(error.message);
    }
  }
}
