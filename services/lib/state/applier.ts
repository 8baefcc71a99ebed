import type { DeadLetters } from '../deadletter/dead-letters.ts';
import { isAfter, type Position } from '../kcl/position.ts';
import type { ShardContext, StreamRecord } from '../kcl/processor.ts';
import { ensureError } from '../process/errors.ts';
import { type Attempt, isCareful, isSuspect, type Span, trying } from './attempts.ts';
import type { Fence } from './fence.ts';
import { leaseLost } from './lease-lost.ts';
import type { StateModel } from './state-model.ts';
import type { StateTable } from './state-table.ts';
import { type Patience, untilAnswered } from './until-answered.ts';

export interface ApplierOptions<State, Effect> {
  readonly shard: ShardContext;
  readonly fence: Fence;
  readonly model: StateModel<State, Effect>;
  readonly state: State;
  /** Records up to it are in the state. */
  readonly position: Position;
  readonly attempt: Attempt;
  /** Positions of records that are never applied. */
  readonly skips: ReadonlySet<Position>;
  readonly table: StateTable;
  readonly deadLetters: Pick<DeadLetters, 'put'>;
  readonly patience: Patience;
}

/** A record that made the state throw. */
interface Failure {
  readonly record: StreamRecord;
  readonly error: Error;
}

/** What follows from records that were applied, and is to be made durable. */
interface Applied<Effect> {
  readonly effects: readonly Effect[];
  readonly failures: readonly Failure[];
}

const followsAnything = ({ effects, failures }: Applied<unknown>): boolean => effects.length + failures.length > 0;

/** Records that are tried together after a death of unknown cause: a write a record would blind a shard for minutes. */
const triedTogether = 64;

/** Applies records to a state, each once by its position, and makes durable what follows from them before it takes more. */
export class Applier<State, Effect> {
  readonly #options: ApplierOptions<State, Effect>;
  #position: Position;
  #attempt: Attempt;

  constructor(options: ApplierOptions<State, Effect>) {
    this.#options = options;
    this.#position = options.position;
    this.#attempt = options.attempt;
  }

  /** All records up to it are in the state, and what follows from them is durable. */
  get position(): Position {
    return this.#position;
  }

  /** An earlier process died from here: few records at a time until a snapshot lies behind. */
  get careful(): boolean {
    return isCareful(this.#attempt);
  }

  /** A snapshot beyond the dangerous place is durable. */
  passed(): void {
    this.#attempt = { ...this.#attempt, starts: 1 };
  }

  /** Rejects with LEASE_LOST when another owner has taken over: the state is then of no use. */
  async apply(records: readonly StreamRecord[]): Promise<void> {
    const { shard, model, state, skips } = this.#options;
    const fresh = records.filter(({ position }) => isAfter(position, this.#position));
    if (fresh.length < records.length) shard.metrics.count('records_skipped', records.length - fresh.length, { reason: 'position' });
    const wanted = fresh.filter(({ position }) => !skips.has(position));
    if (wanted.length < fresh.length) shard.metrics.count('records_skipped', fresh.length - wanted.length, { reason: 'poison' });
    if (wanted.length > 0) {
      await model.prepare(state, wanted);
      if (this.careful) await this.#applyCarefully(wanted);
      else await this.#settle(await this.#applyAll(wanted));
    }
    this.#position = fresh.at(-1)?.position ?? this.#position;
  }

  async #applyAll(records: readonly StreamRecord[]): Promise<Applied<Effect>> {
    const { model, state } = this.#options;
    const effects: Effect[] = [];
    const failures: Failure[] = [];
    for (const record of records) {
      const change = model.before(state, record);
      if (change !== undefined) await change;
      try {
        for (const effect of model.apply(state, record)) effects.push(effect);
      } catch (error) {
        failures.push({ record, error: ensureError(error) });
      }
    }
    return { effects, failures };
  }

  async #applyCarefully(records: readonly StreamRecord[]): Promise<void> {
    for (const group of this.#groups(records)) {
      const [first, last] = [group[0] as StreamRecord, group.at(-1) as StreamRecord];
      await this.#note({ from: first.position, to: last.position });
      const applied = await this.#applyAll(group);
      // From here on stores are waited for: it is not these records that a death speaks against.
      if (followsAnything(applied) || last === records.at(-1)) await this.#note(undefined);
      await this.#settle(applied);
      this.#position = last.position;
    }
  }

  /** Suspects go alone. */
  *#groups(records: readonly StreamRecord[]): Generator<readonly StreamRecord[]> {
    let group: StreamRecord[] = [];
    for (const record of records) {
      const alone = isSuspect(this.#attempt, record.position);
      if (group.length > 0 && (alone || group.length === triedTogether)) {
        yield group;
        group = [];
      }
      if (alone) yield [record];
      else group.push(record);
    }
    if (group.length > 0) yield group;
  }

  async #note(span: Span | undefined): Promise<void> {
    const { table, fence, patience } = this.#options;
    this.#attempt = trying(this.#attempt, span);
    const outcome = await untilAnswered('note what is tried next', () => table.write(fence, { attempt: this.#attempt }), patience);
    if (outcome === 'fenced') throw leaseLost(fence, 'what is tried next');
  }

  async #settle({ effects, failures }: Applied<Effect>): Promise<void> {
    for (const failure of failures) await this.#bury(failure);
    if (effects.length === 0) return;
    const { model, fence } = this.#options;
    if ((await model.settle(effects, fence)) === 'fenced') throw leaseLost(fence, 'what follows from a batch');
  }

  async #bury({ record, error }: Failure): Promise<void> {
    const { shard, deadLetters } = this.#options;
    shard.metrics.count('records_dead_lettered', 1, { reason: 'rule-failed' });
    shard.log.error(
      { event: 'record.failed', sequenceNumber: record.sequenceNumber, subSequenceNumber: record.subSequenceNumber, err: error },
      'a record made the state throw: it is dead-lettered, the state is as before',
    );
    await deadLetters.put(letterOf(shard, record, 'rule-failed', error.stack ?? error.message));
  }
}

export function letterOf(shard: ShardContext, record: StreamRecord, reason: string, error: string): Parameters<DeadLetters['put']>[0] {
  return {
    stream: shard.streamName,
    shard: shard.shardId,
    sequenceNumber: record.sequenceNumber,
    subSequenceNumber: record.subSequenceNumber,
    partitionKey: record.partitionKey,
    data: record.data,
    reason,
    error,
    arrivedAt: record.approximateArrivalTimestamp,
  };
}
