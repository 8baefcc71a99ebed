import type { Position } from '../../services/lib/kcl/position.ts';
import type { Reached } from '../judge/progress.ts';

/** Counts how often the checkpoint of each shard was seen to move: what moves under traffic is being read, whatever its gauge says. */
export class CheckpointMoves {
  readonly #last = new Map<string, Position>();
  readonly #moves = new Map<string, number>();

  see(consumer: string, reached: Reached): void {
    for (const [shardId, at] of reached) {
      const key = `${consumer} ${shardId}`;
      const last = this.#last.get(key);
      if (last !== at) this.#last.set(key, at);
      if (last !== undefined && last !== at) this.#moves.set(key, (this.#moves.get(key) ?? 0) + 1);
    }
  }

  of(consumer: string, shardId: string): number {
    return this.#moves.get(`${consumer} ${shardId}`) ?? 0;
  }
}
