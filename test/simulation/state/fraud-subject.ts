import pino from 'pino';
import { naiveAlerts, type OracleGeneration } from '../../../scripts/judge/naive-alerts.ts';
import { FraudModel, type Raised } from '../../../services/fraud-detector/fraud-model.ts';
import { type BookingEvent, type EventType, eventIdOf } from '../../../services/lib/events/booking-event.ts';
import { encodeBookingEvent } from '../../../services/lib/events/booking-event-codec.ts';
import { MemoryRulesStore } from '../../../services/lib/rules/live/memory-rules-store.ts';
import { RulesSource } from '../../../services/lib/rules/live/rules-source.ts';
import { hashOf, type RulesStore } from '../../../services/lib/rules/live/rules-store.ts';
import { parseRulesFile, type RulesFile } from '../../../services/lib/rules/rules-file.ts';
import type { StateModel } from '../../../services/lib/state/state-model.ts';
import { SimAlerts } from './alerts.ts';
import type { Process } from './process.ts';
import { tableAway } from './run-context.ts';
import type { ModelHooks, SimEvent, Subject } from './subject.ts';
import type { World } from './world.ts';

const silent = pino({ level: 'silent' });
const types: readonly EventType[] = ['cancelled', 'cancelled', 'reserved', 'reserved', 'changed'];
/** A run lasts some seconds of event time: the second generation begins within it. */
const switchWithinMs = 6_000;

/** Every kind of rule, with limits that traffic of a few events a second meets all the time. */
const rulesFile = (disorder: string, sum: number): RulesFile => {
  const rule = { version: 1, mode: 'live', severity: 'high', key: 'userId' };
  return parseRulesFile({
    time: { disorder, lateness: 'PT0.6S', maxAhead: 'PT0.2S' },
    rules: [
      { ...rule, id: 'count', when: { type: ['cancelled'] }, count: { atLeast: 2, within: 'PT1S' }, cooldown: 'PT0.2S' },
      { ...rule, id: 'sum', version: sum, when: { type: ['reserved'] }, sum: { field: 'seats', atLeast: sum, within: 'PT2S' } },
      { ...rule, id: 'distinct', when: {}, distinct: { field: 'tourId', atLeast: 2, within: 'PT1S' } },
      {
        ...rule,
        id: 'pairs',
        when: {},
        pairs: { open: 'reserved', close: 'cancelled', on: 'bookingId', maxGap: 'PT1S', atLeast: 1, within: 'PT1S' },
      },
      { ...rule, id: 'session', mode: 'shadow', when: {}, session: { gap: 'PT0.4S', atLeast: 3 } },
    ],
  });
};

/** The fraud detector's own state: rules that change on the way, judged by the naive oracle. */
export class FraudSubject implements Subject {
  readonly #world: World;
  readonly #alerts: SimAlerts<Pick<Raised, 'alert' | 'warming'>>;
  readonly #events = new Map<string, BookingEvent>();
  readonly #store = new MemoryRulesStore();
  readonly #generations: readonly OracleGeneration[];

  constructor(world: World) {
    this.#world = world;
    const { run, table } = world;
    this.#alerts = new SimAlerts(run, table, ({ alert }) => alert.alertId);
    const now = run.scheduler.now;
    this.#generations = [
      { generation: 1, activeFrom: 0, rules: rulesFile('PT0.1S', 4) },
      { generation: 2, activeFrom: now + run.int(switchWithinMs), rules: rulesFile('PT0.3S', 5) },
    ];
    const published = this.#generations.map(({ generation, activeFrom, rules }) => {
      const bytes = Buffer.from(JSON.stringify(rules));
      this.#store.objects.set(hashOf(bytes), bytes);
      return { generation, hash: hashOf(bytes), activeFrom, publishedAt: now, publishedBy: 'simulation' };
    });
    this.#store.pointer = { version: 1, generations: published, withheld: [] };
  }

  dataOf({ eventId, key, kind }: SimEvent): Buffer {
    if (kind === 'noise') return Buffer.from('{');
    const known = this.#events.get(eventId) ?? this.#event(key);
    this.#events.set(eventId, known);
    return encodeBookingEvent(known);
  }

  modelOf(process: Process, { kindOf, die }: ModelHooks): StateModel<unknown, unknown> {
    const { run } = this.#world;
    const model = new FraudModel({
      rules: new RulesSource({
        store: this.#storeOf(process),
        defaults: Buffer.from(''),
        now: () => run.scheduler.now,
        metrics: process.metrics,
        ...process.patience,
        log: silent,
      }),
      store: { putAll: (fence, alerts) => this.#alerts.putAll(process, fence, alerts) },
      notifier: {
        publish: async (alerts) => {
          await this.#alerts.publish(process, alerts);
          return alerts.length;
        },
        sweep: async () => {},
      },
      shardId: process.lease.shardId,
      metrics: process.metrics,
      now: () => run.scheduler.now,
    });
    const before = model.before.bind(model);
    const apply = model.apply.bind(model);
    return Object.assign(model, {
      before: (...[state, record]: Parameters<typeof before>) => (kindOf(record) === 'poison' ? die() : before(state, record)),
      apply: (...[state, record]: Parameters<typeof apply>) => {
        if (kindOf(record) === 'throws') throw new Error('a rule threw');
        return apply(state, record);
      },
    });
  }

  sweep(): void {
    this.#alerts.sweep();
  }

  judgeEffects(): void {
    const { stream, run, kindOf } = this.#world;
    const byPosition = new Map([...this.#events.values()].map((event) => [encodeBookingEvent(event).toString(), event]));
    const shards = stream.shards.map(({ shardId, parents, range, records }) => ({
      shardId,
      parents,
      range,
      records: records.flatMap((record) => {
        const event = byPosition.get(record.data.toString());
        return event === undefined || kindOf(record) !== 'event' ? [] : [{ event, arrival: record.approximateArrivalTimestamp }];
      }),
    }));
    const { alerts, warming } = naiveAlerts({ shards, rules: this.#generations });
    run.figures.alerts = alerts.length;
    const expected = new Map(alerts.map((alert) => [alert.alertId, alert]));
    for (const [id, { alert, warming: isWarming = false }] of this.#alerts.stored) {
      const wanted = expected.get(id);
      if (wanted === undefined) run.violate('effects', `alert ${id} of ${alert.ruleId} has no reason`);
      else if (JSON.stringify(wanted) !== JSON.stringify(alert))
        run.violate('effects', `${JSON.stringify(alert)}, expected ${JSON.stringify(wanted)}`);
      else if (warming.has(id) !== isWarming)
        run.violate('effects', `alert ${id} of ${alert.ruleId} is ${isWarming ? '' : 'not '}marked as warming`);
      if (alert.mode === 'live' && !this.#alerts.published.has(id)) run.violate('published', `alert ${id} never was`);
    }
    for (const [id, { ruleId }] of expected) if (!this.#alerts.stored.has(id)) run.violate('effects', `alert ${id} of ${ruleId} was lost`);
  }

  /** What is stored shows in the alerts that follow. */
  async judgeStates(): Promise<void> {}

  #event(userId: string): BookingEvent {
    const { run } = this.#world;
    const bookingId = `${userId}-b${run.int(3)}`;
    const type = run.pick(types) ?? 'changed';
    const version = this.#events.size + 1;
    return {
      schemaVersion: 1,
      eventId: eventIdOf(bookingId, version, type),
      type,
      bookingId,
      version,
      userId,
      tourId: `tour-${run.int(3)}`,
      // In order, out of order, late, or from the future.
      occurredAt: run.scheduler.now - (run.chance(0.6) ? 0 : run.int(1_200) - 300),
      seats: 1 + run.int(3),
      amountMinor: 100,
      currency: 'EUR',
      channel: 'web',
      source: 'dynamodb',
    };
  }

  #storeOf({ actor }: Process): RulesStore {
    const { run } = this.#world;
    const ask = <T>(label: string, effect: () => Promise<T>): Promise<T> => run.scheduler.call(actor, label, effect, tableAway);
    const store = this.#store;
    return {
      readPointer: () => ask('read rules pointer', () => store.readPointer()),
      writePointer: (pointer, audit) => ask('write rules pointer', () => store.writePointer(pointer, audit)),
      readRules: (hash) => ask('read rules', () => store.readRules(hash)),
      putRules: (bytes) => ask('put rules', () => store.putRules(bytes)),
    };
  }
}
