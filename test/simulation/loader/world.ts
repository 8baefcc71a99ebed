import pino from 'pino';
import { createDeadLetters } from '../../../services/lib/deadletter/dead-letters.ts';
import type { BookingEvent } from '../../../services/lib/events/booking-event.ts';
import { decodeBookingEvent, encodeBookingEvent } from '../../../services/lib/events/booking-event-codec.ts';
import { type Outcome } from '../../../services/lib/events/outcome.ts';
import { isAfter, type Position, position, shardEnd, trimHorizon } from '../../../services/lib/kcl/position.ts';
import type { Checkpointer, CheckpointOutcome, StreamRecord } from '../../../services/lib/kcl/processor.ts';
import { PlatformError } from '../../../services/lib/process/errors.ts';
import { Metrics } from '../../../services/lib/process/metrics.ts';
import { postgresCopier, type StageCopier } from '../../../services/lib/warehouse/copy.ts';
import type { Database, Session } from '../../../services/lib/warehouse/database.ts';
import { CommitRounds } from '../../../services/redshift-loader/commit-round.ts';
import { ShardLoader } from '../../../services/redshift-loader/shard-loader.ts';
import { bookingEventOf, MemoryRegistry, MemoryStore } from '../../services/redshift-loader/memory.ts';
import { Actor, type Fate, Scheduler } from '../scheduler.ts';

const log = pino({ level: 'silent' });
const application = 'loader';
const maxSteps = 20_000;

const tableAway = (): Error => new PlatformError('TABLE_UNAVAILABLE', 'no answer', { retriable: true });
const storeAway = (): Error => new PlatformError('OBJECT_UNAVAILABLE', 'no answer', { retriable: true });
const warehouseAway = (): Error => new PlatformError('WAREHOUSE_UNAVAILABLE', 'no answer', { retriable: true });

export interface Scenario {
  readonly seed: number;
  readonly shards: number;
  readonly recordsPerShard: number;
  /** Chance of each call that it does not simply run. */
  readonly faultRate: number;
  /** Instead of chance: the n-th call of the run has this fate, all others run. */
  readonly script?: { readonly at: number; readonly fate: Fate };
}

interface ShardOfWorld {
  readonly shardId: string;
  readonly records: readonly StreamRecord[];
  checkpoint: Position;
  /** Only its checkpoints count: KCL refuses those of a worker that lost the lease. */
  owner: Actor | undefined;
}

/** Everything durable, and the processes that come and go around it. */
export class World {
  readonly scheduler: Scheduler;
  readonly registry = new MemoryRegistry();
  readonly store = new MemoryStore();
  readonly streamId: string;
  readonly events = new Map<string, BookingEvent>();
  readonly broken = new Set<string>();
  readonly shards: ShardOfWorld[];
  readonly figures = { calls: 0, faults: 0, crashes: 0, starts: 0, takeovers: 0 };
  readonly #scenario: Scenario;
  readonly #database: Database;
  #inTransaction: Actor | undefined;
  #ids = 0;
  #incarnations = 0;

  constructor(scenario: Scenario, database: Database) {
    this.#scenario = scenario;
    this.#database = database;
    this.streamId = `events@${scenario.seed}-${scenario.script?.at ?? 'r'}-${scenario.script?.fate ?? ''}`;
    this.scheduler = new Scheduler(scenario.seed);
    this.scheduler.fate = (_actor, label) => this.#fate(label);
    this.scheduler.runnable = (actor, label) =>
      !label.startsWith('sql') || this.#inTransaction === undefined || this.#inTransaction === actor;
    this.shards = Array.from({ length: scenario.shards }, (_, s) => this.#shard(`shard-${s}`));
  }

  async run(): Promise<void> {
    for (const shard of this.shards) this.#startConsumer(shard);
    for (let c = 0; c < 2; c++) this.#startCommitter(c);
    await this.scheduler.run(maxSteps);
  }

  #fate(label: string): Fate {
    const { script, faultRate } = this.#scenario;
    this.figures.calls += 1;
    const fate = script === undefined ? this.#chance(faultRate, label) : this.figures.calls === script.at ? script.fate : 'runs';
    if (fate !== 'runs') this.figures.faults += 1;
    return fate;
  }

  #chance(faultRate: number, label: string): Fate {
    // The steps that make something durable are few among many reads.
    const weight = /^(PUT|append|checkpoint|sql COMMIT)/.test(label) ? 4 : 1;
    if (this.scheduler.random() >= faultRate * weight) return 'runs';
    const fates: readonly Fate[] = ['diesBefore', 'diesAfter', 'failsBefore', 'failsAfter'];
    return fates[Math.floor(this.scheduler.random() * fates.length)] ?? 'runs';
  }

  /** Records with repeats (of this shard and of others), aggregates, and records nobody can read. */
  #shard(shardId: string): ShardOfWorld {
    const { random } = this.scheduler;
    const records: StreamRecord[] = [];
    let sequence = 0;
    let sub = 0;
    while (records.length < this.#scenario.recordsPerShard) {
      if (random() < 0.5) sub += 1;
      else [sequence, sub] = [sequence + 1, 0];
      if (sequence === 0) continue;
      const event = this.#event();
      const readable = random() > 0.1;
      const at = position(String(sequence), sub);
      if (readable) this.events.set(event.eventId, event);
      else this.broken.add(`deadletter/redshift-loader/booking-events/${shardId}/${sequence}-${sub}.json`);
      records.push({
        data: readable ? encodeBookingEvent(event) : Buffer.from('{'),
        partitionKey: event.userId,
        sequenceNumber: String(sequence),
        subSequenceNumber: sub,
        position: at,
        approximateArrivalTimestamp: event.occurredAt,
      });
    }
    return { shardId, records, checkpoint: trimHorizon, owner: undefined };
  }

  #event(): BookingEvent {
    const { random } = this.scheduler;
    const known = [...this.events.values()];
    const again = known[Math.floor(random() * known.length)];
    if (again !== undefined && random() < 0.3) return again;
    return bookingEventOf(`${this.streamId}-b${Math.floor(random() * 12)}`, 1 + Math.floor(random() * 50));
  }

  #startConsumer(shard: ShardOfWorld): void {
    if (shard.checkpoint === shardEnd) return; // KCL starts nothing on a shard that has ended
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
    const loader = new ShardLoader({
      registry: this.#registryOf(actor),
      objects: {
        create: (key, body) => scheduler.call(actor, 'PUT', () => this.store.create(key, body), storeAway),
      },
      deadLetters: createDeadLetters(this.#storeOf(actor), 'redshift-loader', { pause: async () => {} }),
      limits: { rows: 1 + Math.floor(random() * 6), bytes: 1_000_000, ageMs: 100 },
      decode: (data, key, at): Outcome<BookingEvent> => decodeBookingEvent(data, key, at),
      readGap: () => {
        throw new Error('a checkpoint beyond the head');
      },
      log,
      metrics: new Metrics(),
      now: () => scheduler.now,
      newId: () => `id-${++this.#ids}`,
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

  #registryOf(actor: Actor): MemoryRegistry {
    const { registry, scheduler } = this;
    const call = <T>(label: string, effect: () => Promise<T>): Promise<T> => scheduler.call(actor, label, effect, tableAway);
    return Object.assign(Object.create(MemoryRegistry.prototype) as MemoryRegistry, {
      head: (id: string) => call('head', () => registry.head(id)),
      append: (file: Parameters<MemoryRegistry['append']>[0]) => call('append', () => registry.append(file)),
      heads: () => call('heads', () => registry.heads()),
      files: (...args: Parameters<MemoryRegistry['files']>) => call('files', () => registry.files(...args)),
      filesBefore: (...args: Parameters<MemoryRegistry['filesBefore']>) => call('filesBefore', () => registry.filesBefore(...args)),
      remove: (file: Parameters<MemoryRegistry['remove']>[0]) => call('remove', () => registry.remove(file)),
    });
  }

  #storeOf(actor: Actor): MemoryStore {
    const { store, scheduler } = this;
    const call = <T>(label: string, effect: () => Promise<T>): Promise<T> => scheduler.call(actor, label, effect, storeAway);
    return Object.assign(Object.create(MemoryStore.prototype) as MemoryStore, {
      create: (key: string, body: Buffer) => call('create', () => store.create(key, body)),
      read: (key: string) => call('read', () => store.read(key)),
      head: (key: string) => call('HEAD', () => store.head(key)),
      delete: (key: string) => call('delete', () => store.delete(key)),
    });
  }

  #startCommitter(index: number): void {
    const actor = new Actor(`committer-${index}/${++this.#incarnations}`);
    const sessions = new Set<Session>();
    actor.onDeath = async () => {
      this.figures.crashes += 1;
      // The server rolls back when the socket goes.
      for (const session of sessions) await session.close();
      if (this.#inTransaction === actor) this.#inTransaction = undefined;
      this.#startCommitter(index);
    };
    this.scheduler.start(actor, () => this.#commit(actor, sessions));
  }

  async #commit(actor: Actor, sessions: Set<Session>): Promise<void> {
    const objects = this.#storeOf(actor);
    const copier: StageCopier = postgresCopier(objects);
    const { random } = this.scheduler;
    const rounds = new CommitRounds({
      application,
      streamId: this.streamId,
      registry: this.#registryOf(actor),
      objects,
      database: this.#databaseOf(actor, sessions),
      copier,
      limits: { maxFiles: 1 + Math.floor(random() * 4), maxBytes: 1e9 },
      retentionMs: random() < 0.5 ? 0 : 1e9,
      orphanAgeMs: 1e9,
      inLake: async () => true,
      log,
      metrics: new Metrics(),
      now: () => this.scheduler.now,
      newId: () => `batch-${++this.#ids}`,
    });
    for (;;) {
      const ended = this.shards.every((shard) => shard.checkpoint === shardEnd);
      const outcome = await rounds.run().catch((error: unknown) => {
        if (error instanceof PlatformError && error.retriable) return 'failed' as const;
        throw error;
      });
      if (outcome === 'idle' && ended) return;
      await this.scheduler.call(actor, 'pause', async () => {}, tableAway).catch(() => undefined);
    }
  }

  #databaseOf(actor: Actor, sessions: Set<Session>): Database {
    return {
      dialect: 'postgres',
      connect: async () => {
        const session = await this.scheduler.call(actor, 'connect', () => this.#database.connect(), warehouseAway);
        sessions.add(session);
        const call = <T>(label: string, effect: () => Promise<T>): Promise<T> =>
          this.scheduler.call(actor, `sql ${label}`, effect, warehouseAway);
        const release = (): void => {
          if (this.#inTransaction === actor) this.#inTransaction = undefined;
        };
        return {
          dialect: 'postgres',
          query: (sql) =>
            call(sql.slice(0, 30), async () => {
              if (sql === 'BEGIN') this.#inTransaction = actor;
              const result = await session.query(sql);
              if (sql === 'COMMIT' || sql === 'ROLLBACK') release();
              return result;
            }),
          copyIn: (sql, chunks) => call('COPY', () => session.copyIn(sql, chunks)),
          close: async () => {
            sessions.delete(session);
            await session.close();
            release();
          },
        };
      },
    };
  }
}
