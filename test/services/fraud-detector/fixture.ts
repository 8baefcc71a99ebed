import type { OracleShard } from '../../../scripts/judge/naive-alerts.ts';
import { FraudProcessor, type FraudProcessorOptions } from '../../../services/fraud-detector/processor.ts';
import type { StoredAlert } from '../../../services/fraud-detector/stored-alert.ts';
import { encodeBookingEvent } from '../../../services/lib/events/booking-event-codec.ts';
import { isAfter, type Position, position, shardEnd, trimHorizon } from '../../../services/lib/kcl/position.ts';
import type { Checkpointer, CheckpointOutcome, ShardContext, StreamRecord } from '../../../services/lib/kcl/processor.ts';
import type { Shard } from '../../../services/lib/kcl/shards.ts';
import { PlatformError } from '../../../services/lib/process/errors.ts';
import { createLogger } from '../../../services/lib/process/log.ts';
import { Metrics } from '../../../services/lib/process/metrics.ts';
import { compileRules } from '../../../services/lib/rules/compile.ts';
import type { RulesFile } from '../../../services/lib/rules/rules-file.ts';
import { start } from '../../oracle/scenario.ts';

/** The oracle's shards as a stream: three user records share a sequence number, as in an aggregate. */
export function streamOf(shards: readonly OracleShard[]): Map<string, StreamRecord[]> {
  return new Map(
    shards.map(({ shardId, records }, s) => [
      shardId,
      records.map(({ event, arrival }, i) => {
        const sequenceNumber = String(1_000 * (s + 1) + Math.floor(i / 3));
        return {
          data: encodeBookingEvent(event),
          partitionKey: event.userId,
          sequenceNumber,
          subSequenceNumber: i % 3,
          position: position(sequenceNumber, i % 3),
          approximateArrivalTimestamp: arrival,
        };
      }),
    ]),
  );
}

export const listed = (shards: readonly OracleShard[]): Shard[] =>
  shards.map(({ shardId, parents, range }) => ({ shardId, parents, range, startingSequenceNumber: '1', closed: true }));

/** KCL's side of a checkpoint: explicit means sub-sequence 0, beyond the last, and not beyond what was delivered. */
export class FakeCheckpointer implements Checkpointer {
  last: Position = trimHorizon;
  delivered: Position = trimHorizon;
  ending = false;
  readonly made: Position[] = [];

  async all(): Promise<CheckpointOutcome> {
    return this.#make(this.ending ? shardEnd : this.delivered);
  }

  async at(sequenceNumber: string): Promise<CheckpointOutcome> {
    const target = position(sequenceNumber, 0);
    if (!isAfter(target, this.last) || isAfter(target, this.delivered)) throw new Error(`KCL refuses ${target}`);
    return this.#make(target);
  }

  #make(target: Position): CheckpointOutcome {
    this.last = target;
    this.made.push(target);
    return { ok: true };
  }
}

/** The parts around the processor, in memory; time passes by `now`. */
export class Surroundings {
  now = start;
  streamAgeMs = 3_600_000;
  readonly metrics = new Metrics();
  readonly logged: string[] = [];
  readonly stored = new Map<string, StoredAlert>();
  readonly puts: string[] = [];
  readonly published: string[] = [];
  readonly reads: string[] = [];
  readonly stream: Map<string, StreamRecord[]>;
  shards: readonly Shard[];
  sweeps = 0;
  /** A shard whose read is refused: what was asked for is older than the retention. */
  trimmed = '';
  put: FraudProcessorOptions['store']['put'] = async (alert) => {
    const { alertId, mode } = alert.alert;
    this.puts.push(alertId);
    const created = !this.stored.has(alertId);
    if (created) this.stored.set(alertId, alert);
    return { created, pending: created && mode === 'live' };
  };

  constructor(shards: readonly OracleShard[]) {
    this.stream = streamOf(shards);
    this.shards = listed(shards);
  }

  processor(rules: RulesFile): FraudProcessor {
    return new FraudProcessor({
      rules: compileRules(rules),
      store: { put: (alert) => this.put(alert) },
      notifier: {
        publish: async (alerts) => {
          this.published.push(...alerts.map(({ alert }) => alert.alertId));
          return alerts.length;
        },
        sweep: async () => {
          this.sweeps++;
        },
      },
      listShards: async () => this.shards,
      read: (_stream, shard, after, upTo) => this.#read(shard.shardId, after, upTo),
      now: () => this.now,
    });
  }

  context(shardId: string): ShardContext {
    return {
      shardId,
      shard: this.shards.find((shard) => shard.shardId === shardId),
      streamName: 'booking-events',
      streamId: `booking-events@${Math.floor((this.now - this.streamAgeMs) / 1_000)}`,
      application: 'fraud-detector',
      workerId: 'worker',
      failoverTimeMs: 3_000,
      log: createLogger('fraud-detector', 'info', (line) => this.logged.push(line)),
      metrics: this.metrics,
    };
  }

  counter(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const wanted = JSON.stringify(labels);
    return this.metrics.drain().counters.find((sample) => sample.name === name && JSON.stringify(sample.labels) === wanted)?.value ?? 0;
  }

  async *#read(shardId: string, after: Position, upTo: Position | 'end'): AsyncGenerator<StreamRecord[]> {
    this.reads.push(shardId);
    if (shardId === this.trimmed) throw new PlatformError('STREAM_TRIMMED', `${shardId} is gone`);
    const until = upTo === 'end' ? shardEnd : upTo;
    const records = (this.stream.get(shardId) ?? []).filter((r) => isAfter(r.position, after) && !isAfter(r.position, until));
    for (let i = 0; i < records.length; i += 4) yield records.slice(i, i + 4);
  }
}
