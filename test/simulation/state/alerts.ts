import type { Fence } from '../../../services/lib/state/fence.ts';
import { untilAnswered } from '../../../services/lib/state/until-answered.ts';
import type { Process } from './process.ts';
import { type RunContext, tableAway } from './run-context.ts';
import type { SimStateTable } from './state-table.ts';

const perTransaction = 3;

interface Put {
  readonly created: boolean;
  readonly pending: boolean;
}

/** What was made durable, put if absent under the fence; and the outbox behind it. */
export class SimAlerts<Effect> {
  readonly stored = new Map<string, Effect>();
  readonly published = new Map<string, number>();
  readonly #pending = new Set<string>();
  readonly #run: RunContext;
  readonly #table: SimStateTable;
  readonly #idOf: (effect: Effect) => string;

  constructor(run: RunContext, table: SimStateTable, idOf: (effect: Effect) => string) {
    this.#run = run;
    this.#table = table;
    this.#idOf = idOf;
  }

  /** As AlertStore.putAll: some at a time, each batch under the fence, for as long as it takes. */
  async putAll(process: Process, fence: Fence, effects: readonly Effect[]): Promise<readonly Put[] | 'fenced'> {
    const outcomes: Put[] = [];
    for (let i = 0; i < effects.length; i += perTransaction) {
      const batch = effects.slice(i, i + perTransaction);
      const put = (): Promise<readonly Put[] | 'fenced'> =>
        this.#run.ask(process.actor, `put ${batch.length} alerts`, tableAway, () => this.#put(batch, fence));
      const outcome = await untilAnswered('put alerts', put, process.patience);
      if (outcome === 'fenced') return 'fenced';
      outcomes.push(...outcome);
    }
    return outcomes;
  }

  /** A failure leaves them pending. */
  async publish({ actor }: Process, effects: readonly Effect[]): Promise<void> {
    const pending = effects.map(this.#idOf).filter((id) => this.#pending.has(id));
    if (pending.length === 0) return;
    const tell = (): void => pending.forEach((id) => this.published.set(id, (this.published.get(id) ?? 0) + 1));
    try {
      await this.#run.ask(actor, 'publish', tableAway, tell);
      await this.#run.ask(actor, 'mark published', tableAway, () => pending.forEach((id) => this.#pending.delete(id)));
    } catch {}
  }

  /** What was left pending is found by whoever comes first. */
  sweep(): void {
    for (const id of this.#pending) this.published.set(id, (this.published.get(id) ?? 0) + 1);
    this.#pending.clear();
  }

  #put(effects: readonly Effect[], { shardId, epoch }: Fence): readonly Put[] | 'fenced' {
    if (this.#table.rows.get(shardId)?.epoch !== epoch) return 'fenced';
    this.#table.assertNewest(shardId, epoch, 'an alert');
    return effects.map((effect) => {
      const id = this.#idOf(effect);
      const created = !this.stored.has(id);
      if (created) {
        this.stored.set(id, effect);
        this.#pending.add(id);
      }
      return { created, pending: this.#pending.has(id) };
    });
  }
}
