import { createDeadLetters } from '../../../services/lib/deadletter/dead-letters.ts';
import { isAfter, type Position, sequenceOf, shardEnd } from '../../../services/lib/kcl/position.ts';
import type { StreamRecord } from '../../../services/lib/kcl/processor.ts';
import { SnapshotObjects } from '../../../services/lib/state/snapshot-objects.ts';
import type { SnapshotRef, StateRow } from '../../../services/lib/state/state-row.ts';
import { StatefulShard } from '../../../services/lib/state/stateful-shard.ts';
import { type Actor, type Fate, Scheduler } from '../scheduler.ts';
import { ChainSubject } from './chain-subject.ts';
import { Kcl } from './kcl.ts';
import { SimObjects, steadyGzip } from './objects.ts';
import type { Ending, Process, ProcessWorld } from './process.ts';
import { RunContext, tableAway } from './run-context.ts';
import type { Scenario } from './scenario.ts';
import { SimStateTable } from './state-table.ts';
import { SimStream } from './stream.ts';
import type { Kind, SimEvent, Subject } from './subject.ts';

/** No save takes that long: what becomes of a snapshot that comes too late is not simulated. */
const stopSaveMs = 60_000;
const fates: readonly Fate[] = ['diesBefore', 'diesAfter', 'failsBefore', 'failsAfter'];
const never = <T>(): Promise<T> => new Promise<T>(() => {});

/** Everything durable, and the processes that come and go around it. */
export class World implements ProcessWorld {
  readonly application = 'detector';
  readonly streamId = 'booking-events@1800000000';
  readonly tickMs = 120;
  readonly failoverMs: number;
  readonly scenario: Scenario;
  readonly run: RunContext;
  readonly stream: SimStream;
  readonly kcl: Kcl;
  readonly table: SimStateTable;
  readonly objects: SimObjects;
  readonly subject: Subject;
  readonly poison = new Set<Position>();
  readonly alarms: { readonly process: Process; readonly event: string }[] = [];
  /** Nothing fails any more. */
  calm = false;
  /** Of records that are not simply events. */
  readonly #kinds = new Map<Position, Kind>();
  readonly #actors = new Map<Actor, Process>();
  /** At the moment in which it was asked to stop. */
  readonly #stops = new Map<Process, { faults: number }>();

  constructor(scenario: Scenario, subjectOf: (world: World) => Subject = (world) => new ChainSubject(world)) {
    const { seed, shards, failoverMs } = scenario;
    this.scenario = scenario;
    this.failoverMs = failoverMs;
    const scheduler = new Scheduler(seed);
    scheduler.fate = (actor, label) => this.#fate(actor, label);
    const run = new RunContext(scheduler);
    this.run = run;
    this.stream = new SimStream(run, shards);
    this.table = new SimStateTable(run, {
      leaseOwner: (shardId) => this.kcl.leases.get(shardId)?.owner,
      childrenOf: (shardId) =>
        this.stream
          .listed()
          .filter(({ parents }) => parents.includes(shardId))
          .map((child) => child.shardId),
      poison: this.poison,
      faultOf: (process, shardId, ref) => this.#faultOf(process, shardId, ref),
      onFinal: (shardId, row) => this.#spoil(shardId, row),
      lacks: (shardId, ref) => this.#lacks(shardId, ref),
      failedToLoad: (process, shardId, ref) => this.objects.failedToLoad(process, shardId, ref),
    });
    this.objects = new SimObjects(run, `state/${this.application}/${this.streamId}`, () => this.table.rows);
    this.objects.rotAtBirth = scenario.rotAtBirth;
    this.subject = subjectOf(this);
    this.kcl = new Kcl(run, this, (process, ending) => this.#ended(process, ending));
  }

  /** What was put as this record. */
  readonly kindOf = ({ position: p }: Pick<StreamRecord, 'position'>): Kind => this.#kinds.get(p) ?? 'event';

  /** As one aggregate if there are several; all keys must lie on one shard. */
  put(events: readonly SimEvent[]): void {
    const shard = this.stream.shardFor(events[0]?.key ?? '');
    const records = this.stream.put(
      shard,
      events.map((event) => ({ key: event.key, data: this.subject.dataOf(event) })),
    );
    for (const [i, { position: p }] of records.entries()) {
      const kind = events[i]?.kind ?? 'event';
      if (kind !== 'event') this.#kinds.set(p, kind);
      if (kind === 'poison') this.poison.add(p);
    }
  }

  processorOf(process: Process): StatefulShard<unknown, unknown> {
    const { run, table, objects, stream, scenario, subject, kindOf } = this;
    const { actor, patience } = process;
    this.#actors.set(actor, process);
    const model = subject.modelOf(process, {
      kindOf,
      prepare: () => run.ask(actor, 'prepare', tableAway, () => {}).catch(() => {}),
      die: async () => {
        run.figures.poisonDeaths += 1;
        await run.scheduler.kill(actor);
        return never();
      },
    });
    return new StatefulShard<unknown, unknown>({
      stopSaveMs,
      parts: () => ({
        model,
        table: table.of(process),
        objects: new SnapshotObjects(objects.of(process), this, patience, steadyGzip),
        stream: stream.readingOf(actor),
        deadLetters: createDeadLetters(objects.of(process), this.application, patience),
        snapshotIntervalMs: scenario.snapshotIntervalMs,
        now: () => run.scheduler.now,
        patience,
      }),
    });
  }

  askToStop(process: Process): void {
    if (process.stopAsked) return;
    process.stopAsked = true;
    this.#stops.set(process, { faults: process.faults });
  }

  judgeCheckpoint({ lease, worker }: Process, at: Position, parameterless: boolean): void {
    const { shardId } = lease;
    const row = this.table.rows.get(shardId);
    if (row === undefined || row.final) return;
    const said = `KCL's checkpoint of ${shardId} by ${worker}`;
    if (at === shardEnd) this.run.violate('checkpoint', `${said} is its end, and there is no final`);
    else if (parameterless) {
      if (row.current === undefined || isAfter(at, row.current.position)) {
        this.run.violate('checkpoint', `${said} is parameterless, and the state that is stored does not reach that far`);
      }
    } else if (row.previous === undefined || isAfter(at, row.previous.position)) {
      this.run.violate('checkpoint', `${said} at ${sequenceOf(at)} is beyond the snapshot before the newest`);
    }
  }

  #faultOf(process: Process, shardId: string, ref: SnapshotRef): string | undefined {
    if (this.objects.isRotten(shardId, ref)) return undefined; // since it was read back, or that is judged by `failedToLoad`
    return this.#lacks(shardId, ref) ?? (this.objects.wasReadBack(process, shardId, ref) ? undefined : 'was not read back');
  }

  #spoil(shardId: string, { current, previous }: StateRow): void {
    const { rottenFinals } = this.scenario;
    if (this.calm || rottenFinals === 0 || !this.run.chance(rottenFinals)) return;
    for (const ref of this.run.chance(0.5) ? [current] : [current, previous]) if (ref !== undefined) this.objects.damage(shardId, ref);
  }

  #lacks(shardId: string, ref: SnapshotRef): string | undefined {
    const parts = this.objects.keysUnder(this.objects.prefixOf(shardId, ref)).length;
    return parts === ref.parts || this.objects.isRotten(shardId, ref) ? undefined : `has ${parts} of ${ref.parts} parts`;
  }

  #ended(process: Process, ending: Ending): void {
    for (const event of process.alarms) this.alarms.push({ process, event });
    if (ending !== 'stopped') return;
    const stop = this.#stops.get(process);
    const { lease, delivered, faults } = process;
    const isOwner = process.isOwner && this.table.owners.get(lease.shardId)?.process === process;
    if (!isOwner || faults !== stop?.faults || process.alarms.includes('snapshot.unreadable')) return;
    this.run.figures.cleanStops += 1;
    if (lease.checkpoint !== delivered) this.run.violate('clean stop', `${lease.shardId}: records after ${lease.checkpoint} come again`);
  }

  #fate(actor: Actor, label: string): Fate {
    const { script, faultRate } = this.scenario;
    const { run } = this;
    run.figures.calls += 1;
    const fate = this.calm
      ? 'runs'
      : script === undefined
        ? this.#chance(faultRate, label)
        : run.figures.calls === script.at
          ? script.fate
          : 'runs';
    if (fate === 'runs') return fate;
    run.figures.faults += 1;
    const process = this.#actors.get(actor);
    if (process !== undefined) process.faults += 1;
    return fate;
  }

  #chance(faultRate: number, label: string): Fate {
    // The steps that make something durable are few among many reads.
    const weight = /^(create|write row current|raise|checkpoint|put|retire|delete)/.test(label) ? 3 : 1;
    if (!this.run.chance(faultRate * weight)) return 'runs';
    return this.run.pick(fates) ?? 'runs';
  }
}
