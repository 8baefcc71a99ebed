import assert from 'node:assert/strict';
import type { Shard } from '../../../../services/lib/kcl/shards.ts';
import type { SnapshotRef } from '../../../../services/lib/state/state-row.ts';
import { Rig, recordsOf, shardOf } from './rig.ts';
import { type Tally, TallyModel } from './tally-model.ts';

const longestWaitMs = 5_000;

/** Resolves when it is so. */
export async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + longestWaitMs;
  while (!condition()) {
    assert.ok(Date.now() < end, 'it never came');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Processors that keep tallies. What follows from records is stored only by the shard's newest owner, like alerts. */
export class TallyRig extends Rig<Tally, string> {
  /** By their text, in the order in which they were stored first. */
  readonly settled = new Set<string>();
  /** Times that something was to be stored that was there already. */
  again = 0;
  onApply: TallyModel['onApply'] = new TallyModel().onApply;
  onBefore: TallyModel['onBefore'] = () => undefined;
  onSettle: () => Promise<void> | undefined = () => undefined;

  constructor(shards: readonly Shard[] = [shardOf('shard')]) {
    super(shards, () => {
      const model = new TallyModel();
      model.onApply = (text) => this.onApply(text);
      model.onBefore = (text) => this.onBefore(text);
      model.onSettle = async (effects, fence) => {
        await this.onSettle();
        if (this.rows.row(fence.shardId)?.epoch !== fence.epoch) return 'fenced';
        for (const effect of effects) {
          if (this.settled.has(effect)) this.again++;
          this.settled.add(effect);
        }
        return 'done';
      };
      return model;
    });
  }

  /** Puts records on a shard, after those that are there. Returns their texts, which begin with `name`. */
  put(shardId: string, count: number, name = `${shardId}-`): string[] {
    const before = this.stream.records.get(shardId) ?? [];
    const texts = Array.from({ length: count }, (_, i) => `${name}${before.length + i}`);
    this.stream.records.set(shardId, recordsOf([...before.map(({ data }) => data.toString()), ...texts]));
    return texts;
  }

  ref(shardId: string, which: 'current' | 'previous' = 'current'): SnapshotRef {
    return this.rows.row(shardId)?.[which] ?? assert.fail(`${shardId} has no ${which} snapshot`);
  }

  /** As its newest snapshot holds it. */
  async tally(shardId: string): Promise<Tally> {
    return this.objects(() => {}).use(shardId, this.ref(shardId), (saved) => new TallyModel().restore(saved));
  }

  async texts(shardId: string): Promise<string[]> {
    return (await this.tally(shardId)).entries.map(({ text }) => text);
  }

  keyOf(shardId: string, which: 'current' | 'previous' = 'current'): string {
    const { epoch, position } = this.ref(shardId, which);
    const key = this.keys().find((one) => one.includes(`/${shardId}/${String(epoch).padStart(10, '0')}/${position}/`));
    return key ?? assert.fail(`${shardId} has no ${which} object`);
  }

  /** Makes a snapshot unusable. */
  spoil(shardId: string, which: 'current' | 'previous' = 'current'): void {
    this.bodies.set(this.keyOf(shardId, which), Buffer.from('something else'));
  }
}
