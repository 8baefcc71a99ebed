import type { DeadLetters } from '../deadletter/dead-letters.ts';
import { isAfter, type Position, position as positionAt, sequenceOf, shardEnd } from '../kcl/position.ts';
import type { Checkpointer, ShardContext, StreamRecord } from '../kcl/processor.ts';
import { Applier, letterOf } from './applier.ts';
import { type Attempt, mayComeAgain, startAttempt } from './attempts.ts';
import { Housekeeping } from './housekeeping.ts';
import { leaseLost } from './lease-lost.ts';
import { assertNewest, type Taken } from './ownership.ts';
import { Recovery, readGap } from './recovery.ts';
import type { SnapshotObjects } from './snapshot-objects.ts';
import { Snapshots } from './snapshots.ts';
import type { StateModel } from './state-model.ts';
import type { SkippedRecord, SnapshotRef } from './state-row.ts';
import type { StateTable } from './state-table.ts';
import type { StreamReading } from './stream-reading.ts';
import { type Patience, untilAnswered } from './until-answered.ts';

/** Records that one shard may skip of those that may come again: more are no accident, and someone must look. */
const maxSkips = 100;

export interface TenureParts<State, Effect> {
  readonly shard: ShardContext;
  readonly model: StateModel<State, Effect>;
  readonly table: StateTable;
  readonly objects: SnapshotObjects;
  readonly stream: StreamReading;
  readonly deadLetters: Pick<DeadLetters, 'put'>;
  readonly snapshotIntervalMs: number;
  /** Epoch ms. */
  readonly now: () => number;
  readonly patience: Patience;
}

export interface TenureStart {
  /** KCL's checkpoint, when a process begins; undefined when one that was fenced returns. */
  readonly startedAt: Position | undefined;
  /** Delivered already, and not again: read from the stream if the state lacks it. */
  readonly upTo: Position;
}

/** One owner's time with a shard, from the epoch it took to the one that ends it. What rejects with LEASE_LOST has ended it. */
export class Tenure<State, Effect> {
  readonly #parts: TenureParts<State, Effect>;
  readonly #state: State;
  readonly #applier: Applier<State, Effect>;
  readonly #snapshots: Snapshots<State, Effect>;
  readonly #housekeeping: Housekeeping;
  /** The row's at the beginning. */
  readonly #loaded: SnapshotRef | undefined;
  #kept: SnapshotRef | undefined;

  private constructor(
    parts: TenureParts<State, Effect>,
    state: State,
    applier: Applier<State, Effect>,
    snapshots: Snapshots<State, Effect>,
    housekeeping: Housekeeping,
  ) {
    this.#parts = parts;
    this.#state = state;
    this.#applier = applier;
    this.#snapshots = snapshots;
    this.#housekeeping = housekeeping;
    this.#loaded = snapshots.current;
    this.#kept = snapshots.current;
  }

  /** Loads the state and reads what it lacks of what was delivered. */
  static async begin<State, Effect>(
    parts: TenureParts<State, Effect>,
    taken: Taken,
    { startedAt, upTo }: TenureStart,
  ): Promise<Tenure<State, Effect>> {
    const { shard, model, table, objects, stream, now, patience } = parts;
    const { log, metrics } = shard;
    const { fence, row } = taken;
    const begunAt = now();
    const recovery = new Recovery({ model, table, objects, stream, log, metrics, patience }, taken);
    const { state, from, position, base, fellBack } = await recovery.recover();
    const loadedAt = now();

    let attempt: Attempt = row.attempt ?? { checkpoint: upTo, starts: 1, deaths: 0 };
    let skips = row.skips;
    if (startedAt !== undefined) {
      const started = startAttempt(row.attempt, startedAt);
      attempt = started.attempt;
      skips = skips.filter((skip) => mayComeAgain(skip, row, stream.trimmedBefore));
      if (started.poison !== undefined) skips = await bury(parts, recovery, { position, poison: started.poison, skips });
      const lineage = shard.shard && { parents: shard.shard.parents };
      const outcome = await untilAnswered('note the start', () => table.write(fence, { attempt, skips, ...lineage }), patience);
      if (outcome === 'fenced') throw leaseLost(fence, 'the start');
    }
    const skipped = new Set(skips.map((skip) => skip.position));
    const applier = new Applier({
      shard,
      fence,
      model,
      state,
      position,
      attempt,
      skips: skipped,
      table,
      deadLetters: parts.deadLetters,
      patience,
    });
    const snapshots = new Snapshots({ ...parts, fence, row, base, intervalMs: parts.snapshotIntervalMs, log, metrics });
    const housekeeping = new Housekeeping({ fence, table, objects, stream, now, log, metrics });
    const tenure = new Tenure(parts, state, applier, snapshots, housekeeping);
    if (isAfter(upTo, position)) {
      const gap = readGap({
        stream,
        shard: await recovery.shard(shard.shardId),
        after: position,
        upTo,
        // With snapshots on the way: a gap that takes longer than KCL waits does not begin anew each time.
        apply: (records) => tenure.#advance(records),
        async onTrimmed(why) {
          await assertNewest(table, fence, patience);
          metrics.count('state_incomplete');
          log.error({ event: 'state.incomplete', why }, `records are gone that the state lacks: ${why}. What it raises is marked`);
          model.markIncomplete(state);
        },
      });
      await gap.catch(async (error: unknown) => {
        await tenure.abandon();
        throw error;
      });
    }
    if (fellBack) snapshots.begin(state, applier.position, true);
    log.info(
      {
        event: 'state.loaded',
        epoch: fence.epoch,
        from,
        loadMs: loadedAt - begunAt,
        gapMs: now() - loadedAt,
        starts: attempt.starts,
      },
      'the state of the shard is there',
    );
    return tenure;
  }

  async process(records: readonly StreamRecord[], checkpointer: Checkpointer, delivered: Position): Promise<void> {
    await this.#checkpoint(checkpointer, delivered);
    await this.#advance(records);
    await this.#parts.model.tick(this.#state);
    this.#keepHouse();
  }

  /** Resolves to whether everything that was applied is in a snapshot. */
  save(): Promise<boolean> {
    return this.#snapshots.save(this.#state, this.#applier.position);
  }

  /** The shard has been read to its end: resolves when its last state is durable. */
  async end(): Promise<void> {
    await this.#snapshots.saveFinal(this.#state);
  }

  /** Leaves no trace from here on. (What is being removed was of no use to anybody.) */
  async abandon(): Promise<void> {
    await this.#snapshots.abandon();
  }

  async #advance(records: readonly StreamRecord[]): Promise<void> {
    await this.#applier.apply(records);
    this.#snapshots.begin(this.#state, this.#applier.position);
    if (this.#snapshots.current !== this.#loaded) this.#applier.passed();
  }

  /** KCL goes on from the snapshot before the newest, so that it delivers again whatever that one lacks, should it be needed. */
  async #checkpoint(checkpointer: Checkpointer, delivered: Position): Promise<void> {
    const durable = this.#snapshots.checkpointable;
    const sequenceNumber = durable === undefined || durable === shardEnd ? undefined : sequenceOf(durable);
    if (sequenceNumber === undefined || durable === undefined || isAfter(durable, delivered)) return;
    if (isAfter(positionAt(sequenceNumber), checkpointer.last)) await checkpointer.at(sequenceNumber);
  }

  #keepHouse(): void {
    const { current } = this.#snapshots;
    if (current === this.#kept) return;
    this.#kept = current;
    this.#housekeeping.begin();
  }
}

/** Dead-letters the record at `poison` and returns the list of skipped ones with it. */
async function bury<State, Effect>(
  { shard, stream, deadLetters, now }: TenureParts<State, Effect>,
  recovery: Recovery<State, Effect>,
  { position, poison, skips }: { readonly position: Position; readonly poison: Position; readonly skips: readonly SkippedRecord[] },
): Promise<readonly SkippedRecord[]> {
  if (skips.some((skip) => skip.position === poison)) return skips;
  if (skips.length >= maxSkips) {
    shard.log.error({ event: 'poison.limit', skips: skips.length }, 'this shard skips too many records already: someone must look');
    return skips;
  }
  let found: StreamRecord | undefined;
  await readGap({
    stream,
    shard: await recovery.shard(shard.shardId),
    after: position,
    upTo: poison,
    apply: async (records) => {
      found = records.at(-1);
    },
    onTrimmed: (why) => shard.log.error({ event: 'poison.gone', why }, 'the record that killed its process is gone'),
  });
  if (found?.position === poison) {
    shard.metrics.count('records_dead_lettered', 1, { reason: 'poison' });
    shard.log.error(
      { event: 'record.poison', sequenceNumber: found.sequenceNumber, subSequenceNumber: found.subSequenceNumber },
      'a record killed its process again and again: it is dead-lettered and skipped from now on',
    );
    await deadLetters.put(letterOf(shard, found, 'poison', 'the process died three times while it applied this record'));
  }
  return [...skips, { position: poison, since: now() }];
}
