import { createDeadLetters } from '../../../../services/lib/deadletter/dead-letters.ts';
import { isAfter, type Position, position, shardEnd, trimHorizon } from '../../../../services/lib/kcl/position.ts';
import type { Checkpointer, CheckpointOutcome, ShardContext, StreamRecord } from '../../../../services/lib/kcl/processor.ts';
import type { HashRange, Shard } from '../../../../services/lib/kcl/shards.ts';
import type { ObjectStore } from '../../../../services/lib/objects/object-store.ts';
import { createLogger } from '../../../../services/lib/process/log.ts';
import { Metrics } from '../../../../services/lib/process/metrics.ts';
import { type PartCodec, SnapshotObjects } from '../../../../services/lib/state/snapshot-objects.ts';
import type { StateModel } from '../../../../services/lib/state/state-model.ts';
import { StatefulShard } from '../../../../services/lib/state/stateful-shard.ts';
import { MemoryObjects, MemoryRows, MemoryStream, MemoryTable, type Step } from './memory.ts';

export const scope = { application: 'app', streamId: 'stream@1790000000' };
export const failoverTimeMs = 3_000;
export const snapshotIntervalMs = 10_000;
const wholeRange: HashRange = { start: 0n, end: 2n ** 128n - 1n };

export const shardOf = (shardId: string, parents: readonly string[] = [], range = wholeRange): Shard => ({
  shardId,
  parents,
  range,
  startingSequenceNumber: '1',
  closed: false,
});

/** Three user records share a sequence number, as in an aggregate. */
export function recordOf(i: number, text: string, partitionKey = `user-${i % 5}`): StreamRecord {
  const sequenceNumber = String(100 + Math.floor(i / 3));
  return {
    data: Buffer.from(text),
    partitionKey,
    sequenceNumber,
    subSequenceNumber: i % 3,
    position: position(sequenceNumber, i % 3),
    approximateArrivalTimestamp: 1_790_000_000_000 + i,
  };
}

export const recordsOf = (texts: readonly string[]): StreamRecord[] => texts.map((text, i) => recordOf(i, text));

/** KCL's side: explicit means sub-sequence 0, beyond the last and not beyond what was delivered; anything else is an error of ours. */
class Checkpoints implements Checkpointer {
  readonly made: Position[] = [];
  delivered: Position;
  last: Position;
  ending = false;
  readonly #isOwner: () => boolean;

  constructor(last: Position, isOwner: () => boolean) {
    this.last = last;
    this.delivered = last;
    this.#isOwner = isOwner;
  }

  async all(): Promise<CheckpointOutcome> {
    return this.#make(this.ending ? shardEnd : this.delivered);
  }

  async at(sequenceNumber: string): Promise<CheckpointOutcome> {
    const target = position(sequenceNumber);
    if (!isAfter(target, this.last) || isAfter(target, this.delivered)) throw new RangeError(`KCL refuses ${target}`);
    return this.#make(target);
  }

  #make(target: Position): CheckpointOutcome {
    if (!this.#isOwner()) return { ok: false, reason: 'lost', error: 'ShutdownException' };
    this.last = target;
    this.made.push(target);
    return { ok: true };
  }
}

/** Everything around the processors of one application, in memory; it outlives each of them. */
export class Rig<State, Effect> {
  now = 1_790_000_100_000;
  stopSaveMs = 5_000;
  readonly rows = new MemoryRows();
  readonly bodies = new Map<string, Buffer>();
  readonly stream: MemoryStream;
  readonly metrics = new Metrics();
  readonly logged: string[] = [];
  readonly log = createLogger('test', 'debug', (line) => this.logged.push(line));
  /** In place of the one in memory. */
  store: ObjectStore | undefined;
  codec: PartCodec | undefined;
  /** KCL's checkpoints, by shard. */
  readonly checkpoints = new Map<string, Position>();
  onStep: Step = () => {};
  /** Instead of waiting. */
  onPause: (ms: number) => Promise<unknown> | undefined = () => undefined;
  readonly #modelOf: (shardId: string) => StateModel<State, Effect>;

  constructor(shards: readonly Shard[], modelOf: (shardId: string) => StateModel<State, Effect>) {
    const step: Step = (...of) => this.onStep(...of);
    this.stream = new MemoryStream(shards, new Map(), step);
    this.#modelOf = modelOf;
  }

  get patience() {
    return { log: this.log, random: () => 1, pause: async (ms: number) => this.onPause(ms) };
  }

  objects(step: Step = (...of) => this.onStep(...of)): SnapshotObjects {
    return new SnapshotObjects(this.store ?? new MemoryObjects(this.bodies, step), scope, this.patience, this.codec);
  }

  context(shardId: string, workerId: string): ShardContext {
    const shard = this.stream.shards.find((one) => one.shardId === shardId);
    const { log, metrics } = this;
    return { shardId, shard, streamName: 'stream', ...scope, workerId, failoverTimeMs, log, metrics };
  }

  /** KCL gives the shard to a worker, whose process for it begins. */
  async begin(shardId: string, worker = 'worker-1'): Promise<Process> {
    const process = this.process(shardId, worker);
    await process.initialize();
    return process;
  }

  process(shardId: string, worker = 'worker-1'): Process {
    this.rows.leases.set(shardId, worker);
    const life = { over: false };
    const step: Step = (...of) => (life.over ? new Promise<never>(() => {}) : this.onStep(...of));
    const processor = new StatefulShard<State, Effect>({
      stopSaveMs: this.stopSaveMs,
      parts: () => ({
        model: this.#modelOf(shardId),
        table: new MemoryTable(this.rows, worker, step),
        objects: this.objects(step),
        stream: this.stream,
        deadLetters: createDeadLetters(new MemoryObjects(this.bodies), 'test', { pause: async () => {} }),
        snapshotIntervalMs,
        now: () => this.now,
        patience: this.patience,
      }),
    });
    return new Process(this, shardId, worker, processor, life);
  }

  counter(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const wanted = JSON.stringify(labels);
    const found = this.metrics.drain().counters.find((one) => one.name === name && JSON.stringify(one.labels) === wanted);
    return found?.value ?? 0;
  }

  events(name: string): string[] {
    return this.logged.filter((line) => line.includes(`"event":"${name}"`));
  }

  keys(prefix = 'state/'): string[] {
    return [...this.bodies.keys()].filter((key) => key.startsWith(prefix)).sort();
  }
}

/** One processor, as the daemon talks to it. */
export class Process {
  readonly shard: StatefulShard<unknown, unknown>;
  readonly checkpointer: Checkpoints;
  readonly #rig: Pick<Rig<unknown, unknown>, 'stream' | 'checkpoints' | 'context' | 'rows'>;
  readonly #shardId: string;
  readonly #worker: string;
  readonly #life: { over: boolean };
  #next: number;

  constructor(
    rig: Pick<Rig<unknown, unknown>, 'stream' | 'checkpoints' | 'context' | 'rows'>,
    shardId: string,
    worker: string,
    shard: StatefulShard<unknown, unknown>,
    life: { over: boolean },
  ) {
    this.#life = life;
    this.#rig = rig;
    this.#shardId = shardId;
    this.#worker = worker;
    this.shard = shard;
    this.checkpointer = new Checkpoints(rig.checkpoints.get(shardId) ?? trimHorizon, () => this.#isOwner);
    const { last } = this.checkpointer;
    const after = this.#all.findIndex((record) => isAfter(record.position, last));
    this.#next = after === -1 ? this.#all.length : after;
  }

  get #all(): readonly StreamRecord[] {
    return this.#rig.stream.records.get(this.#shardId) ?? [];
  }

  get #isOwner(): boolean {
    return this.#rig.rows.leases.get(this.#shardId) === this.#worker;
  }

  get left(): number {
    return this.#all.length - this.#next;
  }

  /** It dies where it is: nothing that it has under way goes on. */
  kill(): void {
    this.#life.over = true;
  }

  async initialize(): Promise<void> {
    await this.shard.initialize(this.#rig.context(this.#shardId, this.#worker), this.checkpointer.last);
  }

  /** The next `count` records that this process has not been given; 0: a tick. */
  async deliver(count = this.left): Promise<void> {
    const records = this.#all.slice(this.#next, this.#next + count);
    this.#next += records.length;
    this.checkpointer.delivered = records.at(-1)?.position ?? this.checkpointer.delivered;
    await this.#act(() => this.shard.processRecords({ records }, this.checkpointer));
  }

  async end(): Promise<void> {
    this.checkpointer.ending = true;
    await this.#act(() => this.shard.shardEnded(this.checkpointer));
  }

  async stop(): Promise<void> {
    await this.#act(() => this.shard.shutdownRequested(this.checkpointer));
  }

  async #act(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } finally {
      if (this.#isOwner) this.#rig.checkpoints.set(this.#shardId, this.checkpointer.last);
    }
  }
}
