import assert from 'node:assert/strict';
import type { OracleGeneration, OracleShard } from '../../../scripts/judge/naive-alerts.ts';
import { FraudModel, type FraudState, type Raised } from '../../../services/fraud-detector/fraud-model.ts';
import type { StoredAlert } from '../../../services/lib/alerts/stored-alert.ts';
import { encodeBookingEvent } from '../../../services/lib/events/booking-event-codec.ts';
import { position } from '../../../services/lib/kcl/position.ts';
import type { StreamRecord } from '../../../services/lib/kcl/processor.ts';
import { type CompiledRules, compileRules } from '../../../services/lib/rules/compile.ts';
import { RulesTimeline } from '../../../services/lib/rules/live/timeline.ts';
import type { RulesFile } from '../../../services/lib/rules/rules-file.ts';
import { type Process, Rig, shardOf } from '../lib/state/rig.ts';

/** The oracle's records as a shard's: three user records share a sequence number, as in an aggregate. */
export const recordsOf = (records: OracleShard['records']): StreamRecord[] =>
  records.map(({ event, arrival }, i) => {
    const sequenceNumber = String(100 + Math.floor(i / 3));
    return {
      data: encodeBookingEvent(event),
      partitionKey: event.userId,
      sequenceNumber,
      subSequenceNumber: i % 3,
      position: position(sequenceNumber, i % 3),
      approximateArrivalTimestamp: arrival,
    };
  });

export const always = (rules: RulesFile): OracleGeneration[] => [{ generation: 1, activeFrom: 0, rules }];

/** Fraud detectors over the oracle's shards; what they store outlives them. */
export class FraudRig extends Rig<FraudState, Raised> {
  /** By alertId. */
  readonly stored = new Map<string, StoredAlert>();
  readonly published: string[] = [];
  /** Each call's alerts. */
  readonly puts: string[][] = [];
  sweeps = 0;
  /** Generations that were asked for, by what asked. */
  readonly asked: number[] = [];
  /** Changes what rules do. */
  compile: (generation: OracleGeneration) => CompiledRules = ({ rules }) => compileRules(rules);

  constructor(shards: readonly OracleShard[], generations: readonly OracleGeneration[]) {
    const timeline = new RulesTimeline(
      generations.map(({ generation, activeFrom }) => ({ generation, activeFrom, hash: '', publishedAt: 0, publishedBy: '' })),
    );
    super(
      shards.map(({ shardId, parents, range }) => shardOf(shardId, parents, range)),
      (shardId) => new FraudModel({ ...this.#parts(timeline, generations), shardId, metrics: this.metrics, now: () => this.now }),
    );
    for (const { shardId, records } of shards) this.stream.records.set(shardId, recordsOf(records));
    // As they are: compressing takes a thread, and with it the order in which things happen.
    this.codec = { compress: async (raw) => raw, decompress: async (body) => body };
  }

  #parts(timeline: RulesTimeline, generations: readonly OracleGeneration[]) {
    return {
      rules: {
        timeline: async () => timeline,
        rules: async (wanted: number) => {
          this.asked.push(wanted);
          return this.compile(generations.find(({ generation }) => generation === wanted) ?? assert.fail(`no generation ${wanted}`));
        },
        refresh: () => {},
      },
      store: {
        putAll: async ({ shardId, epoch }: { readonly shardId: string; readonly epoch: number }, alerts: readonly StoredAlert[]) => {
          if (this.rows.row(shardId)?.epoch !== epoch) return 'fenced' as const;
          this.puts.push(alerts.map(({ alert }) => alert.alertId));
          return alerts.map((stored) => {
            const { alertId, mode } = stored.alert;
            const created = !this.stored.has(alertId);
            if (created) this.stored.set(alertId, stored);
            return { created, pending: mode === 'live' && !this.published.includes(alertId) };
          });
        },
      },
      notifier: {
        publish: async (alerts: readonly StoredAlert[]) => {
          this.published.push(...alerts.map(({ alert }) => alert.alertId));
          return alerts.length;
        },
        sweep: async () => {
          this.sweeps++;
        },
      },
    };
  }

  /** A process that has been given all of its shard. */
  async delivered(shardId = 'shard'): Promise<Process> {
    const process = await this.begin(shardId);
    await process.deliver();
    return process;
  }
}
