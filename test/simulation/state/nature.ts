import { comparePositions, isAfter, position, shardEnd } from '../../../services/lib/kcl/position.ts';
import { Actor } from '../scheduler.ts';
import type { Kind } from './subject.ts';
import type { World } from './world.ts';

const keys = Array.from({ length: 8 }, (_, i) => `user-${i}`);
const maxPauseMs = 150;
/** Looks at whether all is delivered. */
const lookMs = 100;
const rounds = 2;

/** Drives a run: what comes into the stream, what befalls the processes, and the calm at the end in which everything must come right. */
export class Nature {
  readonly #world: World;
  readonly #actor = new Actor('nature');
  readonly #known: { key: string; eventId: string }[] = [];
  #ids = 0;

  constructor(world: World) {
    this.#world = world;
  }

  start(): void {
    this.#world.run.scheduler.start(this.#actor, () => this.#run());
  }

  async #run(): Promise<void> {
    const { kcl, run, subject } = this.#world;
    kcl.sync();
    for (const event of this.#events()) {
      await this.#sleep(run.int(maxPauseMs));
      await event();
    }
    this.#world.calm = true;
    this.#world.objects.rotAtBirth = 0;
    for (const zombie of kcl.zombies) zombie.unnoticed = 0;
    await this.#drained();
    await this.#sleep(3 * this.#world.failoverMs);
    for (let round = 0; round < rounds; round++) {
      for (let i = 0; i < rounds; i++) {
        for (const { shardId } of this.#world.stream.open) this.#putOn(shardId);
        await this.#drained();
        await this.#sleep(3 * this.#world.scenario.snapshotIntervalMs + 5 * this.#world.tickMs);
      }
      kcl.closing = round === rounds - 1;
      for (const process of kcl.processes) this.#world.askToStop(process);
      while ([...kcl.processes].some(({ stopAsked }) => stopAsked)) await this.#sleep(lookMs);
      if (!kcl.closing) await this.#drained();
    }
    subject.sweep();
  }

  #events(): (() => Promise<void>)[] {
    const { scenario, run } = this.#world;
    const times = (n: number, event: () => unknown): (() => Promise<void>)[] =>
      Array.from({ length: n }, () => async () => void (await event()));
    const events = [
      ...times(scenario.puts, () => this.#put()),
      ...times(scenario.reshards, () => this.#reshard()),
      ...times(scenario.steals, () => this.#steal()),
      ...times(scenario.kills, () => this.#world.kcl.kill(run.pick(['w0', 'w1', 'w2']))),
      ...times(scenario.cleanStops, () => this.#stop()),
      ...times(scenario.damages, () => this.#damage()),
      ...times(scenario.checkpointsAhead, () => this.#ahead()),
      ...times(scenario.lostRows, () => this.#loseRow()),
      ...times(scenario.trims, () => this.#trim()),
      ...times(scenario.poison, () => this.#putOne('poison')),
    ];
    for (let i = events.length - 1; i > 0; i--) {
      const j = run.int(i + 1);
      [events[i], events[j]] = [events[j] as never, events[i] as never];
    }
    return events;
  }

  #put(): void {
    const { stream, run, scenario } = this.#world;
    const shard = stream.shardFor(run.pick(keys) ?? '');
    const here = keys.filter((key) => stream.shardFor(key) === shard);
    const batch = Array.from({ length: 1 + run.int(4) }, () => this.#event(here));
    const kinds = batch.map((): Kind => (run.chance(scenario.throwing) ? 'throws' : run.chance(0.05) ? 'noise' : 'event'));
    this.#world.put(batch.map((event, i) => ({ ...event, kind: kinds[i] ?? 'event' })));
  }

  /** A new one, or one that has come before. */
  #event(of: readonly string[]): { key: string; eventId: string } {
    const { run } = this.#world;
    const again = run.pick(this.#known.filter(({ key }) => of.includes(key)));
    if (again !== undefined && run.chance(0.25)) return again;
    const event = { key: run.pick(of) ?? '', eventId: `e${++this.#ids}` };
    this.#known.push(event);
    return event;
  }

  #putOne(kind: Kind, key = this.#world.run.pick(keys) ?? ''): void {
    this.#world.put([{ key, eventId: `e${++this.#ids}`, kind }]);
  }

  /** Every shard is to move on, those too where none of the usual keys lies. */
  #putOn(shardId: string): void {
    const { stream } = this.#world;
    for (let i = 0; ; i++) if (stream.shardFor(`filler-${i}`).shardId === shardId) return this.#putOne('event', `filler-${i}`);
  }

  #reshard(): void {
    const { stream, run, kcl } = this.#world;
    const { open } = stream;
    const shard = run.pick(open);
    const neighbour = open.find(({ range }) => range.start === (shard?.range.end ?? 0n) + 1n);
    if (shard === undefined) return;
    if (neighbour !== undefined && run.chance(0.5)) stream.merge(shard, neighbour);
    else stream.split(shard);
    run.figures.reshards += 1;
    kcl.sync();
  }

  #steal(): void {
    const { kcl, run } = this.#world;
    const working = [...kcl.leases.keys()].filter((shardId) => kcl.current(shardId) !== undefined);
    const shardId = run.pick(working);
    if (shardId !== undefined) kcl.steal(shardId);
  }

  #stop(): void {
    const process = this.#world.run.pick([...this.#world.kcl.processes]);
    if (process !== undefined) this.#world.askToStop(process);
  }

  async #damage(): Promise<void> {
    const { table, run, objects, kcl } = this.#world;
    const [shardId, row] = run.pick([...table.rows]) ?? ['', undefined];
    const { current, previous } = row ?? {};
    for (const ref of run.pick([[current], [previous], [current, previous], [current]]) ?? []) {
      if (ref !== undefined) objects.damage(shardId, ref);
    }
    // Often nobody reads it before it is replaced.
    if (run.chance(0.6)) await kcl.killShard(shardId);
  }

  async #ahead(): Promise<void> {
    const { kcl, run, stream } = this.#world;
    const lease = run.pick([...kcl.leases.values()].filter(({ checkpoint, owner }) => checkpoint !== shardEnd && owner !== undefined));
    const record = lease && run.pick(stream.shard(lease.shardId).records.filter(({ position: p }) => isAfter(p, lease.checkpoint)));
    if (lease !== undefined && record !== undefined) await kcl.moveCheckpoint(lease, record.position);
  }

  async #loseRow(): Promise<void> {
    const { kcl, run, table } = this.#world;
    const shardId = run.pick([...table.rows.keys()]);
    if (shardId === undefined) return;
    await kcl.killShard(shardId);
    table.lose(shardId);
  }

  /**
   * Never what KCL has not been told to be done with. It is a matter of hours, not of the moment between a look at the stream's age and
   * the read that follows: whoever is at work when the retention passes finishes that first.
   */
  async #trim(): Promise<void> {
    const { stream, kcl } = this.#world;
    const open = [...kcl.leases.values()].filter(({ checkpoint }) => checkpoint !== shardEnd);
    const needed = open.map(({ shardId, checkpoint }) => {
      const began = position(stream.shard(shardId).startingSequenceNumber);
      return isAfter(checkpoint, began) ? checkpoint : began;
    });
    const oldest = needed.sort(comparePositions)[0];
    if (oldest === undefined) return;
    stream.announceTrim(oldest);
    const busy = [...kcl.processes].map((process) => ({ process, answered: process.answered }));
    while (busy.some(({ process, answered }) => kcl.processes.has(process) && process.answered === answered)) await this.#sleep(lookMs);
    stream.trim(oldest);
  }

  async #drained(): Promise<void> {
    while (!this.#world.kcl.drained) await this.#sleep(lookMs);
  }

  #sleep(ms: number): Promise<void> {
    return this.#world.run.scheduler.sleep(this.#actor, ms);
  }
}
