import pino from 'pino';
import { isAfter, type Position } from '../../../services/lib/kcl/position.ts';
import { SnapshotObjects } from '../../../services/lib/state/snapshot-objects.ts';
import type { StateModel } from '../../../services/lib/state/state-model.ts';
import { SimAlerts } from './alerts.ts';
import { type ChainEffect, ChainModel } from './chain-model.ts';
import { steadyGzip } from './objects.ts';
import { expectedOf } from './oracle.ts';
import type { Process } from './process.ts';
import type { ModelHooks, SimEvent, Subject } from './subject.ts';
import type { World } from './world.ts';

/** The chain of hashes: each record has an effect, and everything can be compared. */
export class ChainSubject implements Subject {
  readonly #world: World;
  readonly #alerts: SimAlerts<ChainEffect>;

  constructor(world: World) {
    this.#world = world;
    this.#alerts = new SimAlerts(world.run, world.table, ({ key, trigger, chain, warming }) => `${key} ${trigger} ${chain} ${warming}`);
  }

  dataOf({ eventId }: SimEvent): Buffer {
    return Buffer.from(eventId);
  }

  modelOf(process: Process, hooks: ModelHooks): StateModel<unknown, unknown> {
    return new ChainModel({
      ...hooks,
      settle: async (effects, fence) => {
        if ((await this.#alerts.putAll(process, fence, effects)) === 'fenced') return 'fenced';
        await this.#alerts.publish(process, effects);
        return 'done';
      },
    });
  }

  sweep(): void {
    this.#alerts.sweep();
  }

  judgeEffects(): void {
    const { stream, run, scenario } = this.#world;
    const alerts = this.#alerts;
    const { effects } = expectedOf(this.#world);
    run.figures.alerts = effects.size;
    const found = new Map<string, ChainEffect[]>();
    for (const [id, effect] of alerts.stored) {
      found.set(effect.trigger, [...(found.get(effect.trigger) ?? []), effect]);
      if ((alerts.published.get(id) ?? 0) < 1) run.violate('published', `${id} never was`);
      if (effect.warming) {
        if (scenario.trims === 0) run.violate('effects', `${id} is marked as incomplete, and nothing was trimmed`);
        continue;
      }
      const expected = effects.get(effect.trigger as Position);
      if (expected === undefined) run.violate('effects', `${id} has no reason`);
      else if (expected.chain !== effect.chain) run.violate('effects', `${id} should be ${expected.chain}`);
    }
    for (const [trigger, { key }] of effects) {
      const all = found.get(trigger) ?? [];
      const shard = stream.shards.find(({ records }) => records.some(({ position }) => position === trigger));
      const trimmed = shard !== undefined && !isAfter(trigger, shard.trimmedTo);
      if (all.length === 0 && !trimmed) run.violate('effects', `what follows from ${trigger} of ${key} was lost`);
      if (all.filter(({ warming }) => !warming).length > 1) run.violate('effects', `what follows from ${trigger} of ${key} is there twice`);
    }
  }

  /** The snapshots themselves: after the last clean stop they hold all that there is to know. */
  async judgeStates(): Promise<void> {
    const world = this.#world;
    const { stream, table, objects, run } = world;
    const { chains } = expectedOf(world);
    const snapshots = new SnapshotObjects(objects.memory, world, { log: pino({ level: 'silent' }) }, steadyGzip);
    const model = new ChainModel({
      kindOf: (record) => world.kindOf(record),
      prepare: async () => {},
      die: () => Promise.reject(new Error('not applied here')),
      settle: async () => 'done',
    });
    for (const { shardId, records } of stream.open) {
      const current = table.rows.get(shardId)?.current;
      const last = records.at(-1)?.position;
      if (current === undefined || current.position !== last) {
        run.violate('state', `${shardId} is stored up to ${current?.position}, not to its end at ${last}`);
        continue;
      }
      const state = await snapshots.use(shardId, current, (saved) => model.restore(saved));
      if (state.incomplete) continue;
      const expected = [...chains].filter(([key]) => stream.shardFor(key).shardId === shardId);
      for (const [key, chain] of expected) {
        if (state.keys.get(key)?.chain !== chain) run.violate('state', `${shardId} is wrong about ${key}`);
      }
      if (state.keys.size !== expected.length) run.violate('state', `${shardId} knows ${state.keys.size} keys of ${expected.length}`);
    }
  }
}
