import type { Fence } from '../../../services/lib/state/fence.ts';
import { untilAnswered } from '../../../services/lib/state/until-answered.ts';
import type { Process } from './process.ts';
import { type RunContext, tableAway } from './run-context.ts';
import type { SimStateTable } from './state-table.ts';

const perTransaction = 3;

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

  async settle(process: Process, effects: readonly Effect[], fence: Fence): Promise<'done' | 'fenced'> {
    for (let i = 0; i < effects.length; i += perTransaction) {
      const batch = effects.slice(i, i + perTransaction);
      const put = (): Promise<'done' | 'fenced'> =>
        this.#run.ask(process.actor, `put ${batch.length} alerts`, tableAway, () => this.#put(batch, fence));
      if ((await untilAnswered('put alerts', put, process.patience)) === 'fenced') return 'fenced';
    }
    await this.#publish(process, effects.map(this.#idOf));
    return 'done';
  }

  /** What was left pending is found by whoever comes first. */
  sweep(): void {
    for (const id of this.#pending) this.published.set(id, (this.published.get(id) ?? 0) + 1);
    this.#pending.clear();
  }

  #put(effects: readonly Effect[], { shardId, epoch }: Fence): 'done' | 'fenced' {
    if (this.#table.rows.get(shardId)?.epoch !== epoch) return 'fenced';
    this.#table.assertNewest(shardId, epoch, 'an alert');
    for (const effect of effects) {
      const id = this.#idOf(effect);
      if (this.stored.has(id)) continue;
      this.stored.set(id, effect);
      this.#pending.add(id);
    }
    return 'done';
  }

  /** A failure leaves them pending. */
  async #publish({ actor }: Process, ids: readonly string[]): Promise<void> {
    const pending = ids.filter((id) => this.#pending.has(id));
    if (pending.length === 0) return;
    const tell = (): void => pending.forEach((id) => this.published.set(id, (this.published.get(id) ?? 0) + 1));
    try {
      await this.#run.ask(actor, 'publish', tableAway, tell);
      await this.#run.ask(actor, 'mark published', tableAway, () => pending.forEach((id) => this.#pending.delete(id)));
    } catch {}
  }
}
