import { z } from 'zod';
import type { StoredAlert } from '../lib/alerts/stored-alert.ts';
import { decodeBookingEvent } from '../lib/events/booking-event-codec.ts';
import type { StreamRecord } from '../lib/kcl/processor.ts';
import type { HashRange } from '../lib/kcl/shards.ts';
import { PlatformError } from '../lib/process/errors.ts';
import type { Metrics } from '../lib/process/metrics.ts';
import type { CompiledRules } from '../lib/rules/compile.ts';
import type { RulesSource } from '../lib/rules/live/rules-source.ts';
import { RulesTimeline } from '../lib/rules/live/timeline.ts';
import { snapshotFormat } from '../lib/rules/shard-snapshot.ts';
import { ShardState, type SkipReason } from '../lib/rules/shard-state.ts';
import type { Fence } from '../lib/state/fence.ts';
import type { SavedState, StateModel, StateToSave } from '../lib/state/state-model.ts';
import { readSnapshotStream } from '../lib/windows/snapshot/read.ts';
import { corrupt } from '../lib/windows/snapshot/snapshot-error.ts';
import type { AlertStore } from './alert-store.ts';
import type { Notifier } from './notifier.ts';

/** What the detector knows of one shard. */
export interface FraudState {
  shard: ShardState;
  rules: CompiledRules;
  /** Of the rules; 0 before the first record. */
  generation: number;
  /** Records are gone that came before the next one. */
  incomplete: boolean;
}

/** An alert, and when Kinesis took the record that raised it (epoch ms). */
export type Raised = Omit<StoredAlert, 'raisedAt'>;

export interface FraudModelOptions {
  readonly rules: Pick<RulesSource, 'timeline' | 'rules' | 'refresh'>;
  readonly store: Pick<AlertStore, 'putAll'>;
  readonly notifier: Pick<Notifier, 'publish' | 'sweep'>;
  readonly shardId: string;
  readonly metrics: Metrics;
  /** Epoch ms. */
  readonly now: () => number;
}

/** Before the first record of a shard no rules are in force. */
const noRules: CompiledRules = { time: { disorderMs: 0, latenessMs: 0, maxAheadMs: 0 }, rules: [] };

const metaSchema = z.object({ incomplete: z.boolean() });

/** The fraud rules as a state over a shard's records; alerts are what follows from them. */
export class FraudModel implements StateModel<FraudState, Raised> {
  readonly #options: FraudModelOptions;
  #timeline = new RulesTimeline([]);
  /** Of the generations that the records at hand may ask for. */
  #compiled: ReadonlyMap<number, CompiledRules> = new Map();
  #evicted = 0;
  /** Events since the last tick, by what became of them: a counter costs more than an event. */
  readonly #tally = new Map<'applied' | 'invalid' | SkipReason, number>();

  constructor(options: FraudModelOptions) {
    this.#options = options;
  }

  async fresh(range: HashRange): Promise<FraudState> {
    return { shard: ShardState.empty(noRules, range), rules: noRules, generation: 0, incomplete: false };
  }

  async restore({ generation, meta, frames }: SavedState): Promise<FraudState> {
    const rules = await this.#rulesOf(generation);
    const shard = await ShardState.restoreStream(rules, frames);
    this.#evicted = shard.size.evicted;
    return { shard, rules, generation, incomplete: incompleteOf(meta) };
  }

  async check({ meta, frames }: SavedState): Promise<void> {
    incompleteOf(meta);
    for await (const _ of readSnapshotStream(frames, snapshotFormat));
  }

  async inherit(range: HashRange, parents: readonly SavedState[]): Promise<FraudState> {
    const generation = Math.max(0, ...parents.map((parent) => parent.generation));
    const rules = await this.#rulesOf(generation);
    const shard = await ShardState.inherit(
      rules,
      range,
      parents.map(({ frames }) => frames),
    );
    this.#evicted = shard.size.evicted;
    return { shard, rules, generation, incomplete: parents.some(({ meta }) => incompleteOf(meta)) };
  }

  save({ shard, generation, incomplete }: FraudState): StateToSave {
    return { generation, meta: { incomplete } satisfies z.infer<typeof metaSchema>, frames: shard.snapshot() };
  }

  markIncomplete(state: FraudState): void {
    state.incomplete = true;
  }

  async prepare(state: FraudState, records: readonly StreamRecord[]): Promise<void> {
    const arrivals = records.map(({ approximateArrivalTimestamp }) => approximateArrivalTimestamp);
    this.#timeline = await this.#options.rules.timeline(arrivals.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY));
    if (state.generation === this.#timeline.newest) return;
    const needed = new Map<number, CompiledRules>();
    let { generation } = state;
    for (const arrival of arrivals) {
      const next = this.#timeline.generationFor(generation, arrival).generation;
      if (next !== generation && !needed.has(next)) needed.set(next, await this.#rulesOf(next));
      generation = next;
    }
    this.#compiled = needed;
  }

  before(state: FraudState, { approximateArrivalTimestamp: arrival }: StreamRecord): Promise<void> | undefined {
    if (state.generation === this.#timeline.newest) return undefined;
    const { generation } = this.#timeline.generationFor(state.generation, arrival);
    if (generation === state.generation) return undefined;
    const rules = this.#compiled.get(generation);
    if (rules === undefined) throw new PlatformError('INTERNAL', `the rules of generation ${generation} were not prepared`);
    const switched = state.shard.switchRules(rules);
    const done = (shard: ShardState): void => {
      Object.assign(state, { shard, rules, generation });
      this.#options.metrics.count('rules_switched');
    };
    return switched instanceof ShardState ? (done(switched), undefined) : switched.then(done);
  }

  apply(state: FraudState, { data, partitionKey, approximateArrivalTimestamp: arrivedAt }: StreamRecord): readonly Raised[] {
    if (state.incomplete) {
      state.shard.missed(arrivedAt + state.rules.time.maxAheadMs);
      state.incomplete = false;
    }
    const event = decodeBookingEvent(data, partitionKey, arrivedAt);
    if (event.kind !== 'ok') {
      this.#count('invalid'); // redshift-loader keeps the dead letters of this stream
      return [];
    }
    const applied = state.shard.apply(event.value, arrivedAt);
    if (applied.kind === 'skipped') {
      this.#count(applied.reason);
      return [];
    }
    this.#count('applied');
    return applied.alerts.map((alert) => ({
      alert,
      arrivedAt,
      action: state.rules.rules.find(({ id }) => id === alert.ruleId)?.action ?? 'notify',
      ...(state.shard.isWarming(alert) && { warming: true as const }),
    }));
  }

  /** Each stored once, then published as far as that goes at once; the rest is swept. */
  async settle(raised: readonly Raised[], fence: Fence): Promise<'done' | 'fenced'> {
    const { store, notifier, metrics, now } = this.#options;
    const raisedAt = now();
    const alerts = raised.map((one): StoredAlert => ({ ...one, raisedAt }));
    const outcomes = await store.putAll(fence, alerts);
    if (outcomes === 'fenced') return 'fenced';
    const unpublished: StoredAlert[] = [];
    outcomes.forEach(({ created, pending }, i) => {
      const stored = alerts[i] as StoredAlert;
      if (created) metrics.count('alerts_raised', 1, { rule: stored.alert.ruleId, mode: stored.alert.mode });
      if (pending) unpublished.push(stored);
    });
    if (unpublished.length > 0) await notifier.publish(unpublished);
    return 'done';
  }

  async tick({ shard }: FraudState): Promise<void> {
    const { rules, notifier } = this.#options;
    rules.refresh();
    this.#report(shard);
    await notifier.sweep();
  }

  #count(what: 'applied' | 'invalid' | SkipReason): void {
    this.#tally.set(what, (this.#tally.get(what) ?? 0) + 1);
  }

  #report(shard: ShardState): void {
    const { metrics, shardId } = this.#options;
    for (const [what, events] of this.#tally) {
      if (what === 'applied') metrics.count('events_applied', events);
      else metrics.count('events_skipped', events, { reason: what });
    }
    this.#tally.clear();
    const { keys, events, ids, bytes, evicted } = shard.size;
    for (const [name, value] of Object.entries({ state_keys: keys, state_events: events, state_ids: ids, state_bytes: bytes })) {
      metrics.gauge(name, value, { shard: shardId }, 'sum');
    }
    if (evicted > this.#evicted) metrics.count('rule_events_evicted', evicted - this.#evicted);
    this.#evicted = evicted;
  }

  #rulesOf(generation: number): Promise<CompiledRules> {
    return generation === 0 ? Promise.resolve(noRules) : this.#options.rules.rules(generation);
  }
}

function incompleteOf(meta: unknown): boolean {
  const result = metaSchema.safeParse(meta);
  if (!result.success) throw corrupt('its head does not say whether it is complete');
  return result.data.incomplete;
}
