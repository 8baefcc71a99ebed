import { type Position } from '../../../services/lib/kcl/position.ts';
import { startAttempt } from '../../../services/lib/state/attempts.ts';
import type { Fence } from '../../../services/lib/state/fence.ts';
import { isSameSnapshot, type SnapshotRef, type StateChange, type StateRow } from '../../../services/lib/state/state-row.ts';
import type { StateTable } from '../../../services/lib/state/state-table.ts';
import type { Process } from './process.ts';
import { type RunContext, tableAway } from './run-context.ts';

export interface TableWorld {
  leaseOwner(shardId: string): string | undefined;
  childrenOf(shardId: string): readonly string[];
  /** Records that kill whoever applies them. */
  readonly poison: ReadonlySet<Position>;
  /** What the objects of a snapshot that is about to be pointed at have against it. */
  faultOf(process: Process, shardId: string, ref: SnapshotRef): string | undefined;
  /** Objects of a snapshot that somebody deleted. */
  lacks(shardId: string, ref: SnapshotRef): string | undefined;
  onFinal(shardId: string, row: StateRow): void;
  /** As it was seen by this process. */
  failedToLoad(process: Process, shardId: string, ref: SnapshotRef): boolean;
}

/** The state table with its rules checked from outside at every write. */
export class SimStateTable {
  readonly rows = new Map<string, StateRow>();
  /** The newest epoch of each shard, and who took it: kept apart from the rows. */
  readonly owners = new Map<string, { epoch: number; process: Process }>();
  /** Had two snapshots once: one that loses both must be rebuilt, and the look at its row may be older than that. */
  readonly #stoodAlone = new Set<string>();
  readonly #run: RunContext;
  readonly #world: TableWorld;

  constructor(run: RunContext, world: TableWorld) {
    this.#run = run;
    this.#world = world;
  }

  /** Whatever is written for a shard goes by here. */
  assertNewest(shardId: string, epoch: number, what: string): void {
    const newest = this.owners.get(shardId)?.epoch;
    if (newest !== epoch) this.#run.violate('fence', `${what} of ${shardId} was written under epoch ${epoch}, the newest is ${newest}`);
  }

  lose(shardId: string): void {
    this.rows.delete(shardId);
    this.owners.delete(shardId);
    this.#stoodAlone.delete(shardId);
  }

  of(process: Process): StateTable {
    const ask = <T>(label: string, effect: () => T): Promise<T> => this.#run.ask(process.actor, label, tableAway, effect);
    return {
      read: (shardId) => ask('read row', () => copy(this.rows.get(shardId))),
      raiseEpoch: (shardId, seen) => ask('raise epoch', () => this.#raise(process, shardId, seen)),
      ownsLease: (shardId) => ask('read lease', () => this.#world.leaseOwner(shardId) === process.worker),
      fenceOf: (shardId, epoch): Fence => ({ shardId, epoch, check: { TableName: '', Key: {}, ConditionExpression: '' } }),
      write: (fence, change) => ask(`write row ${Object.keys(change).join(' ')}`, () => this.#write(process, fence, change)),
      retire: (shardId) => ask('retire', () => this.#retire(shardId)),
    };
  }

  #raise(process: Process, shardId: string, seen: number): 'raised' | 'notOwner' | 'passed' {
    if (this.#world.leaseOwner(shardId) !== process.worker) return 'notOwner';
    const row = this.rows.get(shardId);
    if ((row?.epoch ?? 0) !== seen) return 'passed';
    this.rows.set(shardId, { ...(row ?? noRow), attempt: this.#mercy(process, row), epoch: seen + 1, worker: process.worker });
    this.owners.set(shardId, { epoch: seen + 1, process });
    return 'raised';
  }

  /** Three deaths at one record condemn it, whatever they came from: here only those that really kill go that far. */
  #mercy(process: Process, row: StateRow | undefined): StateRow['attempt'] {
    const { poison } = startAttempt(row?.attempt, process.from);
    return poison === undefined || this.#world.poison.has(poison) ? row?.attempt : undefined;
  }

  #write(process: Process, { shardId, epoch }: Fence, change: StateChange): 'written' | 'fenced' {
    const row = this.rows.get(shardId);
    if (row?.epoch !== epoch) return 'fenced';
    this.assertNewest(shardId, epoch, 'the row');
    const { attempt, previous, ...rest } = copy<StateChange>(change);
    const next: StateRow = {
      ...row,
      ...rest,
      ...(attempt !== undefined && { attempt: attempt ?? undefined }),
      ...(previous !== undefined && { previous: previous ?? undefined }),
    };
    if (change.current !== undefined) this.#judgePointer(process, shardId, row, next);
    this.rows.set(shardId, next);
    if (standsAlone(next)) this.#stoodAlone.add(shardId);
    if (next.final && !row.final) this.#world.onFinal(shardId, next);
    return 'written';
  }

  #judgePointer(process: Process, shardId: string, before: StateRow, { current, previous, final }: StateRow): void {
    if (isSameSnapshot(current, previous)) this.#run.violate('previous', `${shardId} has one snapshot as current and previous`);
    if (previous !== undefined && this.#world.failedToLoad(process, shardId, previous)) {
      this.#run.violate('previous', `${shardId} keeps as previous a snapshot that did not load`);
    }
    const lack = previous && this.#world.lacks(shardId, previous);
    if (lack !== undefined) this.#run.violate('previous', `${shardId} keeps as previous a snapshot that ${lack}`);
    const fault = current && this.#world.faultOf(process, shardId, current);
    if (current !== undefined && this.#world.failedToLoad(process, shardId, current)) {
      this.#run.violate('pointer', `${shardId} points at a snapshot that was found to be unreadable`);
    }
    if (fault !== undefined) this.#run.violate('pointer', `${shardId} points at a snapshot that ${fault}`);
    if (before.final && !(final && isSameSnapshot(before.current, current)))
      this.#run.violate('final', `${shardId} went on from its final`);
  }

  #retire(shardId: string): void {
    const row = this.rows.get(shardId);
    if (row?.final !== true) return;
    const early = this.#world.childrenOf(shardId).filter((child) => !this.#stoodAlone.has(child) && !this.rows.get(child)?.retired);
    if (early.length > 0) this.#run.violate('retire', `${shardId} was retired before ${early.join(', ')} had two snapshots`);
    this.rows.set(shardId, { ...row, retired: true });
  }
}

/** Two different snapshots, or none needed any more. */
export const standsAlone = (row: StateRow | undefined): boolean =>
  row !== undefined &&
  (row.retired || (row.current !== undefined && row.previous !== undefined && !isSameSnapshot(row.current, row.previous)));

const noRow: StateRow = {
  epoch: 0,
  worker: '',
  current: undefined,
  previous: undefined,
  final: false,
  attempt: undefined,
  skips: [],
  retired: false,
};

const copy = <T>(value: T): T => structuredClone(value);
