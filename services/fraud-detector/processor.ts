import { decodeBookingEvent } from '../lib/events/booking-event-codec.ts';
import { bookingEvents } from '../lib/events/streams.ts';
import { isAfter, type Position, position, trimHorizon } from '../lib/kcl/position.ts';
import type { Checkpointer, RecordProcessor, ShardContext, StreamRecord } from '../lib/kcl/processor.ts';
import type { Shard } from '../lib/kcl/shards.ts';
import { PlatformError } from '../lib/process/errors.ts';
import type { Alert } from '../lib/rules/alert.ts';
import type { CompiledRules } from '../lib/rules/compile.ts';
import type { RuleAction } from '../lib/rules/rules-file.ts';
import type { ShardState } from '../lib/rules/shard-state.ts';
import type { AlertStore } from './alert-store.ts';
import type { Notifier } from './notifier.ts';
import { rebuild } from './rebuild.ts';
import type { StoredAlert } from './stored-alert.ts';

const checkpointIntervalMs = 5_000;
const concurrentPuts = 16;
const hourMs = 3_600_000;

export interface FraudProcessorOptions {
  readonly rules: CompiledRules;
  readonly store: Pick<AlertStore, 'put'>;
  readonly notifier: Pick<Notifier, 'publish' | 'sweep'>;
  readonly listShards: (streamName: string) => Promise<readonly Shard[]>;
  readonly read: (streamName: string, shard: Shard, after: Position, upTo: Position | 'end') => AsyncIterable<StreamRecord[]>;
  /** Epoch ms. */
  readonly now: () => number;
}

interface Raised {
  readonly alert: Alert;
  /** When Kinesis took the record that raised it, epoch ms. */
  readonly arrivedAt: number;
}

/**
 * One shard of the fraud detector. The state is rebuilt from the stream at the start; a batch is answered when its alerts are
 * durable, so whatever was delivered before the current batch is durable, and that is what gets checkpointed.
 */
export class FraudProcessor implements RecordProcessor {
  readonly #options: FraudProcessorOptions;
  readonly #actions: ReadonlyMap<string, RuleAction>;
  #shard: ShardContext | undefined;
  #state: ShardState | undefined;
  /** Sequence number of the last record whose batch was answered. */
  #durable: string | undefined;
  #nextCheckpointAt: number;
  #evicted = 0;

  constructor(options: FraudProcessorOptions) {
    this.#options = options;
    this.#actions = new Map(options.rules.rules.map((rule) => [rule.id, rule.action]));
    this.#nextCheckpointAt = options.now() + checkpointIntervalMs;
  }

  async initialize(shard: ShardContext, checkpoint: Position): Promise<void> {
    const { rules, listShards, read, now } = this.#options;
    this.#shard = shard;
    const startedAt = now();
    let records = 0;
    const { state, complete } = await rebuild({
      shardId: shard.shardId,
      checkpoint,
      rules,
      shards: await listShards(shard.streamName),
      untrimmed: now() - createdAtMs(shard.streamId) < bookingEvents.retentionHours * hourMs,
      read: (of, after, upTo) => read(shard.streamName, of, after, upTo),
      apply: async (into, batch, raise) => {
        records += batch.length;
        const raised = this.#apply(into, batch);
        if (raise) await this.#settle(raised);
      },
      log: shard.log,
    });
    this.#state = state;
    this.#evicted = state.size.evicted;
    shard.log.info(
      {
        event: 'state.rebuilt',
        shardId: shard.shardId,
        records,
        complete,
        fresh: checkpoint === trimHorizon,
        ...state.size,
        ms: now() - startedAt,
      },
      'the state of the shard was rebuilt from the stream',
    );
  }

  async processRecords(batch: { readonly records: readonly StreamRecord[] }, checkpointer: Checkpointer): Promise<void> {
    const { state, shard } = this.#ready();
    await this.#checkpointDurable(checkpointer);
    const raised = this.#apply(state, batch.records, (reason) => shard.metrics.count('events_skipped', 1, { reason }));
    await this.#settle(raised);
    this.#durable = batch.records.at(-1)?.sequenceNumber ?? this.#durable;
    this.#reportEvicted(state, shard);
    await this.#options.notifier.sweep();
  }

  async shardEnded(checkpointer: Checkpointer): Promise<void> {
    await checkpointer.all();
  }

  /** The last delivered batch was answered, so everything delivered is durable. */
  async shutdownRequested(checkpointer: Checkpointer): Promise<void> {
    await checkpointer.all();
  }

  async leaseLost(): Promise<void> {
    this.#state = undefined;
  }

  /** Explicit, and inside the action after the one that made it durable; sub-sequence 0 of it, so its tail may come again. */
  async #checkpointDurable(checkpointer: Checkpointer): Promise<void> {
    const now = this.#options.now();
    if (this.#durable === undefined || now < this.#nextCheckpointAt || !isAfter(position(this.#durable), checkpointer.last)) return;
    this.#nextCheckpointAt = now + checkpointIntervalMs;
    await checkpointer.at(this.#durable);
  }

  #apply(state: ShardState, records: readonly StreamRecord[], onSkip?: (reason: string) => void): Raised[] {
    const raised: Raised[] = [];
    let used = 0;
    for (const { data, partitionKey, approximateArrivalTimestamp: arrivedAt } of records) {
      const event = decodeBookingEvent(data, partitionKey, arrivedAt);
      if (event.kind !== 'ok') {
        onSkip?.('invalid'); // redshift-loader keeps the dead letters of this stream
        continue;
      }
      const applied = state.apply(event.value, arrivedAt);
      if (applied.kind === 'skipped') {
        onSkip?.(applied.reason);
        continue;
      }
      used++;
      raised.push(...applied.alerts.map((alert) => ({ alert, arrivedAt })));
    }
    if (onSkip !== undefined && used > 0) this.#ready().shard.metrics.count('events_applied', used);
    return raised;
  }

  /** Makes alerts durable, each once, and publishes those that are not published yet. Rejects when they cannot be stored. */
  async #settle(raised: readonly Raised[]): Promise<void> {
    const { store, notifier, now } = this.#options;
    const toPublish: StoredAlert[] = [];
    for (let i = 0; i < raised.length; i += concurrentPuts) {
      await Promise.all(
        raised.slice(i, i + concurrentPuts).map(async ({ alert, arrivedAt }) => {
          const stored = { alert, action: this.#actions.get(alert.ruleId) ?? 'notify', raisedAt: now(), arrivedAt };
          const outcome = await store.put(stored);
          if (outcome.created) this.#metrics().count('alerts_raised', 1, { rule: alert.ruleId, mode: alert.mode });
          if (outcome.pending) toPublish.push(stored);
        }),
      );
    }
    if (toPublish.length === 0) return;
    await notifier.publish(toPublish);
  }

  #reportEvicted(state: ShardState, shard: ShardContext): void {
    const { evicted } = state.size;
    if (evicted > this.#evicted) shard.metrics.count('rule_events_evicted', evicted - this.#evicted);
    this.#evicted = evicted;
  }

  #metrics() {
    if (this.#shard === undefined) throw new PlatformError('INTERNAL', 'not initialized');
    return this.#shard.metrics;
  }

  #ready(): { readonly state: ShardState; readonly shard: ShardContext } {
    if (this.#state === undefined || this.#shard === undefined) throw new PlatformError('INTERNAL', 'records before initialize');
    return { state: this.#state, shard: this.#shard };
  }
}

/** Of `<name>@<creation epoch s>`, in ms. */
function createdAtMs(streamId: string): number {
  return Number(streamId.slice(streamId.lastIndexOf('@') + 1)) * 1_000;
}
