import type { StreamRecord } from '../../../services/lib/kcl/processor.ts';
import type { StateModel } from '../../../services/lib/state/state-model.ts';
import type { Process } from './process.ts';

/** What a record of the simulated stream is: an event, bytes that are none, one that makes the state throw, one that ends whoever applies it. */
export type Kind = 'event' | 'noise' | 'throws' | 'poison';

export interface SimEvent {
  readonly eventId: string;
  readonly key: string;
  readonly kind: Kind;
}

export interface ModelHooks {
  readonly kindOf: (record: StreamRecord) => Kind;
  /** Something that the model must fetch. */
  readonly prepare: () => Promise<void>;
  /** Ends the process. */
  readonly die: () => Promise<never>;
}

/** The state that is simulated, its events, and its oracle. */
export interface Subject {
  /** The same for the same event, whenever it is asked for. */
  dataOf(event: SimEvent): Buffer;
  modelOf(process: Process, hooks: ModelHooks): StateModel<unknown, unknown>;
  /** Publishes what was left pending. */
  sweep(): void;
  /** What followed from the records, against the oracle. */
  judgeEffects(): void;
  /** The snapshots at the end, against the oracle. */
  judgeStates(): Promise<void>;
}
