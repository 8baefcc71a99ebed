import { type Position, shardEnd, trimHorizon } from '../../../services/lib/kcl/position.ts';
import { Actor } from '../scheduler.ts';
import { type Ending, type Lease, Process, type ProcessWorld } from './process.ts';
import type { RunContext } from './run-context.ts';

const workers = ['w0', 'w1', 'w2'];
const maxHandOverMs = 300;

/** Who may work on which shard: leases, and the processes that hold them, held them, or will. */
export class Kcl {
  readonly leases = new Map<string, Lease>();
  readonly processes = new Set<Process>();
  /** Of each lease. */
  readonly #current = new Map<string, Process>();
  readonly #waiting = new Set<string>();
  readonly #run: RunContext;
  readonly #world: ProcessWorld;
  readonly #onEnd: (process: Process, ending: Ending) => void;
  #incarnations = 0;
  /** Nobody follows who ends. */
  closing = false;

  constructor(run: RunContext, world: ProcessWorld, onEnd: (process: Process, ending: Ending) => void) {
    this.#run = run;
    this.#world = world;
    this.#onEnd = onEnd;
  }

  /** The lease's newest process, if it lives. */
  current(shardId: string): Process | undefined {
    const process = this.#current.get(shardId);
    return process !== undefined && this.processes.has(process) ? process : undefined;
  }

  get drained(): boolean {
    return [...this.leases.values()].every(({ shardId, checkpoint }) => {
      const process = this.current(shardId);
      return process === undefined ? checkpoint === shardEnd : process.caughtUp && !this.#world.stream.shard(shardId).closed;
    });
  }

  get zombies(): Process[] {
    return [...this.processes].filter((process) => this.#current.get(process.lease.shardId) !== process);
  }

  /** Leases of new shards; those whose parents have all been read to their end are worked on. */
  sync(): void {
    for (const { shardId } of this.#world.stream.shards) {
      const known = this.leases.get(shardId);
      if (known === undefined) this.leases.set(shardId, { shardId, owner: undefined, token: 0, checkpoint: trimHorizon });
    }
    for (const { shardId, parents } of this.#world.stream.shards) {
      const lease = this.leases.get(shardId) as Lease;
      const ready = parents.every((parent) => this.leases.get(parent)?.checkpoint === shardEnd);
      if (ready && lease.owner === undefined) this.take(lease, this.#run.pick(workers) ?? 'w0');
    }
  }

  /** The lease goes to `worker` at once; whoever had it goes on until KCL tells it. */
  take(lease: Lease, worker: string): void {
    lease.owner = worker;
    lease.token += 1;
    this.#run.figures.starts += 1;
    if (this.current(lease.shardId) !== undefined) this.#run.figures.takeovers += 1;
    const actor = new Actor(`${worker} ${lease.shardId.slice(-2)} #${++this.#incarnations}`);
    const process = new Process(this.#run, this.#world, lease, actor, worker);
    this.processes.add(process);
    this.#current.set(lease.shardId, process);
    actor.onDeath = async () => {
      this.#run.figures.crashes += 1;
      this.processes.delete(process);
      this.sync();
      this.#follow(process);
    };
    this.#run.scheduler.start(actor, async () => {
      const ending = await process.live();
      this.#run.scheduler.trace.push(`${actor.name} ${ending}`);
      this.processes.delete(process);
      this.#onEnd(process, ending);
      this.sync();
      this.#follow(process);
    });
  }

  steal(shardId: string): void {
    const lease = this.leases.get(shardId);
    if (lease !== undefined && this.current(shardId) !== undefined) this.take(lease, this.#run.pick(workers) ?? 'w0');
  }

  /** A worker's JVM and all its processes, those whose leases are gone too. */
  async kill(worker: string | undefined): Promise<void> {
    for (const process of [...this.processes].filter((one) => one.worker === worker)) await this.#run.scheduler.kill(process.actor);
  }

  async killShard(shardId: string): Promise<void> {
    for (const process of [...this.processes].filter(({ lease }) => lease.shardId === shardId))
      await this.#run.scheduler.kill(process.actor);
  }

  /** KCL's checkpoint moves without the processor; nobody works on the shard at that time. */
  async moveCheckpoint(lease: Lease, to: Position): Promise<void> {
    await this.killShard(lease.shardId);
    if (lease.checkpoint < to) lease.checkpoint = to;
  }

  /** After a while, somebody takes over from a process that is gone, unless that has happened. */
  #follow({ lease, token, worker }: Process): void {
    const { scheduler } = this.#run;
    if (lease.token !== token || this.#waiting.has(lease.shardId) || this.closing) return;
    // KCL starts processors on shards that have ended too, when a worker begins anew.
    if (lease.checkpoint === shardEnd && !this.#run.chance(0.15)) return;
    this.#waiting.add(lease.shardId);
    const actor = new Actor(`hand-over ${lease.shardId.slice(-2)}`);
    scheduler.start(actor, async () => {
      await scheduler.sleep(actor, this.#run.int(maxHandOverMs));
      this.#waiting.delete(lease.shardId);
      if (lease.token === token) this.take(lease, this.#run.chance(0.5) ? worker : (this.#run.pick(workers) ?? worker));
    });
  }
}
