import { createHash } from 'node:crypto';
import type { StreamRecord } from '../../../services/lib/kcl/processor.ts';
import { type HashRange, hashKeyOf, inRange } from '../../../services/lib/kcl/shards.ts';
import type { Fence } from '../../../services/lib/state/fence.ts';
import type { SavedState, StateModel, StateToSave } from '../../../services/lib/state/state-model.ts';
import { SnapshotError } from '../../../services/lib/windows/snapshot/snapshot-error.ts';
import type { ModelHooks } from './subject.ts';

/** Depends on every record of the key, in order: one that is lost, doubled or moved changes all that follow. */
export interface ChainEffect {
  readonly key: string;
  readonly trigger: string;
  readonly chain: string;
  readonly warming: boolean;
}

interface KeyState {
  chain: string;
  readonly ids: Set<string>;
}

export interface ChainState {
  readonly keys: Map<string, KeyState>;
  applied: number;
  generation: number;
  incomplete: boolean;
}

export const linkOf = (chain: string, trigger: string, eventId: string, again: boolean): string =>
  createHash('sha1').update(`${chain} ${trigger} ${eventId} ${again}`).digest('hex').slice(0, 12);

/** Records of one generation: it changes by data alone, as the rules do. */
const recordsPerGeneration = 12;

export interface ChainHooks extends ModelHooks {
  readonly settle: (effects: readonly ChainEffect[], fence: Fence) => Promise<'done' | 'fenced'>;
}

/** Small and exact: a chain of hashes per key, and the ids that were seen. */
export class ChainModel implements StateModel<ChainState, ChainEffect> {
  readonly #hooks: ChainHooks;

  constructor(hooks: ChainHooks) {
    this.#hooks = hooks;
  }

  async fresh(): Promise<ChainState> {
    return { keys: new Map(), applied: 0, generation: 0, incomplete: false };
  }

  async restore(saved: SavedState): Promise<ChainState> {
    return read(saved);
  }

  async check(saved: SavedState): Promise<void> {
    await read(saved);
  }

  async inherit(range: HashRange, parents: readonly SavedState[]): Promise<ChainState> {
    const state = await this.fresh();
    for (const saved of parents) {
      const parent = await read(saved);
      for (const [key, known] of parent.keys) if (inRange(hashKeyOf(key), range)) state.keys.set(key, known);
      state.generation = Math.max(state.generation, parent.generation);
      state.incomplete ||= parent.incomplete;
    }
    return state;
  }

  save({ keys, applied, generation, incomplete }: ChainState): StateToSave {
    const frames = [...keys].map(([key, { chain, ids }]) => Buffer.from(`${JSON.stringify({ key, chain, ids: [...ids] })}\n`));
    return { generation, meta: { incomplete, applied, keys: keys.size }, frames };
  }

  markIncomplete(state: ChainState): void {
    state.incomplete = true;
  }

  async prepare(): Promise<void> {
    await this.#hooks.prepare();
  }

  before(_state: ChainState, record: StreamRecord): Promise<void> | undefined {
    return this.#hooks.kindOf(record) === 'poison' ? this.#hooks.die() : undefined;
  }

  apply(state: ChainState, record: StreamRecord): readonly ChainEffect[] {
    const { data, partitionKey: key, position: trigger } = record;
    const kind = this.#hooks.kindOf(record);
    if (kind === 'noise') return [];
    const eventId = data.toString();
    if (kind === 'throws') throw new Error('a rule threw');
    const known = state.keys.get(key) ?? { chain: '', ids: new Set<string>() };
    const chain = linkOf(known.chain, trigger, eventId, known.ids.has(eventId));
    state.keys.set(key, { chain, ids: known.ids.add(eventId) });
    state.applied += 1;
    if (state.applied % recordsPerGeneration === 0) state.generation += 1;
    return [{ key, trigger, chain, warming: state.incomplete }];
  }

  settle(effects: readonly ChainEffect[], fence: Fence): Promise<'done' | 'fenced'> {
    return this.#hooks.settle(effects, fence);
  }

  async tick(): Promise<void> {}
}

async function read({ generation, meta, frames }: SavedState): Promise<ChainState> {
  const { incomplete, applied, keys: count } = meta as { incomplete: boolean; applied: number; keys: number };
  const chunks: Uint8Array[] = [];
  for await (const chunk of frames) chunks.push(chunk);
  const keys = new Map<string, KeyState>();
  for (const line of Buffer.concat(chunks).toString().split('\n').slice(0, -1)) {
    const { key, chain, ids } = JSON.parse(line) as { key: string; chain: string; ids: string[] };
    keys.set(key, { chain, ids: new Set(ids) });
  }
  if (keys.size !== count) throw new SnapshotError('SNAPSHOT_CORRUPT', `${keys.size} keys of ${count}`);
  return { keys, applied, generation, incomplete };
}
