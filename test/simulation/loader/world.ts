import pino from 'pino';
import { createDeadLetters } from '../../../services/lib/deadletter/dead-letters.ts';
import { isAfter, type Position, position, shardEnd } from '../../../services/lib/kcl/position.ts';
import type { Checkpointer, CheckpointOutcome } from '../../../services/lib/kcl/processor.ts';
import { PlatformError } from '../../../services/lib/process/errors.ts';
import { Metrics } from '../../../services/lib/process/metrics.ts';
import { postgresCopier } from '../../../services/lib/warehouse/copy.ts';
import type { Database, Session } from '../../../services/lib/warehouse/database.ts';
import { CommitRounds } from '../../../services/redshift-loader/commit/commit-round.ts';
import { ShardLoader } from '../../../services/redshift-loader/shard/shard-loader.ts';
import { Actor, type Fate, Scheduler } from '../scheduler.ts';
import { Durable, timeScale } from './durable.ts';
import { FaultyParts, tableAway } from './faulty-parts.ts';
import { damage, fillLake, repairAll, type Surroundings } from './nature.ts';
import type { Scenario } from './scenario.ts';
import { hasEnded, type ShardOfWorld, Streams } from './streams.ts';

const log = pino({ level: 'silent' });
export const application = 'loader';
const maxSteps = 30_000;

/** The processes that come and go around what is durable. */
export class World {
  readonly scheduler: Scheduler;
  readonly durable: Durable;
  readonly streams: Streams;
  readonly streamId: string;
  readonly metrics = new Metrics();
  readonly figures = { calls: 0, faults: 0, crashes: 0, starts: 0, takeovers: 0, repaired: 0 };
  readonly #scenario: Scenario;
  readonly #parts: FaultyParts;
  #ids = 0;
  #incarnations = 0;

  constructor(scenario: Scenario, database: Database) {
    this.#scenario = scenario;
    this.streamId = `events@${scenario.seed}-${scenario.script?.at ?? 'r'}-${scenario.script?.fate ?? ''}`;
    this.scheduler = new Scheduler(scenario.seed);
    this.scheduler.fate = (_actor, label) => this.#fate(label);
    this.durable = new Durable(database, this.now);
    this.#parts = new FaultyParts(this.scheduler, this.durable, database);
    this.streams = new Streams(scenario, this.streamId, this.scheduler.random);
  }

  readonly now = (): number => {
    const begin = 1_800_000_000_000;
    return begin + (this.scheduler.now - begin) * timeScale;
  };

  async run(): Promise<void> {
    for (const shard of this.streams.shards) if (shard.parent === undefined) this.#startConsumer(shard);
    for (let c = 0; c < 2; c++) this.#startCommitter(c);
    const around: Surroundings = {
      scheduler: this.scheduler,
      durable: this.durable,
      parts: this.#parts,
      streams: this.streams,
      application,
      streamId: this.streamId,
      newId: this.#newId,
      done: () => this.#isDone(),
    };
    const nature = new Actor('nature');
    this.scheduler.start(nature, () => damage(around, nature, this.#scenario.damages));
    const lake = new Actor('lake');
    this.scheduler.start(lake, () => fillLake(around, lake));
    if (this.#scenario.damages > 0) this.#startRepair(around);
    await this.scheduler.run(maxSteps);
  }

  async #isDone(): Promise<boolean> {
    if (!this.streams.shards.every(hasEnded)) return false;
    return [...(await this.durable.registry.heads())].every(([shardId, head]) => this.durable.watermarks.get(shardId) === head);
  }

  readonly #newId = (): string => `id-${++this.#ids}`;

  #fate(label: string): Fate {
    const { script, faultRate } = this.#scenario;
    this.figures.calls += 1;
    const fate = script === undefined ? this.#chance(faultRate, label) : this.figures.calls === script.at ? script.fate : 'runs';
    if (fate !== 'runs') this.figures.faults += 1;
    return fate;
  }

  #chance(faultRate: number, label: string): Fate {
    // The steps that make something durable are few among many reads.
    const weight = /^(PUT|append|replace|checkpoint|sql COMMIT)/.test(label) ? 4 : 1;
    if (this.scheduler.random() >= faultRate * weight) return 'runs';
    const fates: readonly Fate[] = ['diesBefore', 'diesAfter', 'failsBefore', 'failsAfter'];
    return fates[Math.floor(this.scheduler.random() * fates.length)] ?? 'runs';
  }

  #startConsumer(shard: ShardOfWorld): void {
    if (hasEnded(shard)) return; // KCL starts nothing on a shard that has ended
    const actor = new Actor(`${shard.shardId}/${++this.#incarnations}`);
    this.figures.starts += 1;
    if (shard.owner?.alive) this.figures.takeovers += 1;
    shard.owner = actor;
    actor.onDeath = async () => {
      this.figures.crashes += 1;
      if (shard.owner === actor) this.#startConsumer(shard);
    };
    this.scheduler.start(actor, async () => {
      try {
        await this.#consume(actor, shard);
      } catch (error) {
        if (!(error instanceof PlatformError && error.retriable)) throw error;
      }
      // A process that rejected is started again by its launcher, from KCL's checkpoint.
      if (shard.owner === actor) this.#startConsumer(shard);
    });
  }

  async #consume(actor: Actor, shard: ShardOfWorld): Promise<void> {
    const { scheduler } = this;
    const { random } = scheduler;
    const objects = this.#parts.storeOf(actor);
    const loader = new ShardLoader({
      registry: this.#parts.registryOf(actor),
      objects,
      deadLetters: createDeadLetters(objects, 'redshift-loader', { pause: async () => {} }),
      limits: { rows: 1 + Math.floor(random() * 6), bytes: 1_000_000, ageMs: 100 * timeScale },
      decode: this.streams.decode,
      readGap: () => {
        throw new Error('a checkpoint beyond the head');
      },
      log,
      metrics: new Metrics(),
      now: this.now,
      newId: this.#newId,
      random,
      pause: async () => {},
    });
    const from = shard.checkpoint;
    await loader.initialize(
      {
        shardId: shard.shardId,
        shard: undefined,
        streamName: 'booking-events',
        streamId: this.streamId,
        application,
        workerId: actor.name,
        failoverTimeMs: 3_000,
        log,
        metrics: new Metrics(),
      },
      from,
    );
    let delivered = from;
    const rest = shard.records.filter((record) => isAfter(record.position, from));
    while (rest.length > 0) {
      // Another worker takes the lease while this one goes on: the zombie that fencing is for.
      if (random() < 0.04 && shard.owner === actor) this.#startConsumer(shard);
      const records = rest.splice(0, random() < 0.3 ? 0 : 1 + Math.floor(random() * 5));
      delivered = records.at(-1)?.position ?? delivered;
      await loader.processRecords({ records }, this.#checkpointer(actor, shard, delivered));
      await scheduler.call(actor, 'tick', async () => {}, tableAway).catch(() => undefined);
    }
    if (random() < 0.3) await loader.shutdownRequested(this.#checkpointer(actor, shard, delivered));
    await loader.shardEnded(this.#checkpointer(actor, shard, shardEnd));
  }

  #checkpointer(actor: Actor, shard: ShardOfWorld, delivered: Position): Checkpointer {
    const write = (at: Position): Promise<CheckpointOutcome> =>
      this.scheduler
        .call(
          actor,
          'checkpoint',
          async (): Promise<CheckpointOutcome> => {
            if (shard.owner !== actor) return { ok: false, reason: 'lost', error: '' };
            if (!isAfter(at, shard.checkpoint) || isAfter(at, delivered)) return { ok: false, reason: 'bounds', error: '' };
            shard.checkpoint = at;
            if (hasEnded(shard)) for (const child of this.streams.shards) if (child.parent === shard) this.#startConsumer(child);
            return { ok: true };
          },
          tableAway,
        )
        .catch((): CheckpointOutcome => ({ ok: false, reason: 'failed', error: 'no answer' }));
    return {
      all: () => write(delivered),
      at: (sequence) => write(position(sequence)),
      get last() {
        return shard.checkpoint;
      },
    };
  }

  /** Runs what talks to the warehouse; when it dies its sessions end, and another takes its place. */
  #startWithSessions(name: string, body: (actor: Actor, sessions: Set<Session>) => Promise<void>): void {
    const actor = new Actor(`${name}/${++this.#incarnations}`);
    const sessions = new Set<Session>();
    actor.onDeath = async () => {
      this.figures.crashes += 1;
      // The server rolls back when the socket goes.
      for (const session of sessions) await session.close();
      this.#parts.release(actor);
      this.#startWithSessions(name, body);
    };
    this.scheduler.start(actor, () => body(actor, sessions));
  }

  #startRepair(around: Surroundings): void {
    this.#startWithSessions('repair', (actor, sessions) => repairAll(around, actor, sessions, () => (this.figures.repaired += 1)));
  }

  #startCommitter(index: number): void {
    this.#startWithSessions(`committer-${index}`, (actor, sessions) => this.#commit(actor, sessions));
  }

  async #commit(actor: Actor, sessions: Set<Session>): Promise<void> {
    const objects = this.#parts.storeOf(actor);
    const { random } = this.scheduler;
    const rounds = new CommitRounds({
      application,
      streamId: this.streamId,
      registry: this.#parts.registryOf(actor),
      objects,
      database: this.#parts.databaseOf(actor, sessions),
      copier: postgresCopier(objects),
      limits: { maxFiles: 1 + Math.floor(random() * 4), maxBytes: 1e9 },
      retentionMs: random() < 0.5 ? 0 : 1e9,
      orphanAgeMs: this.#scenario.orphanAgeMs,
      inLake: this.durable.inLake,
      log,
      metrics: this.metrics,
      now: this.now,
      newId: this.#newId,
    });
    for (;;) {
      const ended = this.streams.shards.every(hasEnded);
      const outcome = await rounds.run().catch((error: unknown) => {
        if (error instanceof PlatformError && error.retriable) return 'failed' as const;
        throw error;
      });
      if (outcome === 'idle' && ended) return;
      await this.scheduler.call(actor, 'pause', async () => {}, tableAway).catch(() => undefined);
    }
  }
}
