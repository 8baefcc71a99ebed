import { ApiError } from '../protocol/errors.ts';
import type { Clock } from '../store/clock.ts';
import { type Fault, type FaultKind, maxFaults } from './fault-schema.ts';
import { InstalledFault, type ListedFault } from './installed-fault.ts';
import { refusalOf } from './refusals.ts';
import type { Subject } from './subject.ts';

/** What is to go wrong with one request; each member is absent unless it is. */
export interface Fate {
  /** Answered instead of doing anything. */
  readonly error?: ApiError;
  /** The connection is cut instead of doing anything. */
  readonly reset?: boolean;
  /** The request is carried out; its answer is dropped with the connection, or is a 500 instead. */
  readonly lost?: 'drop' | 'error';
  /** The answer is held back for so long. */
  readonly delayMs?: number;
}

/** Why an entry of PutRecords fails. */
export type EntryFailure = 'ProvisionedThroughputExceededException' | 'InternalFailure';

type Of<K extends FaultKind> = Extract<Fault, { kind: K }>;
type OnRequest = Of<'throttle' | 'error' | 'reset' | 'lost' | 'slow' | 'expired-iterator'>;

const spared: Fate = {};

/** The same random numbers in each run unless a seed is given. */
export const defaultSeed = 1;

/** Ids that are taken, or more faults than a server holds. */
export class FaultsRefused extends Error {
  /** In the list that was to be set; undefined: the whole list. */
  readonly index: number | undefined;
  readonly value: unknown;
  readonly expected: string;

  constructor(index: number | undefined, value: unknown, expected: string) {
    super(`faults: ${JSON.stringify(value)}, expected ${expected}`);
    this.index = index;
    this.value = value;
    this.expected = expected;
  }
}

/**
 * The faults of one server, tried in the order they were set. The first that refuses or resets a request hides it from those
 * after it. Each draws its own random numbers, one for each considered, so that faults do not change each other's fate.
 */
export class Faults {
  readonly seed: number;
  readonly #clock: Clock;
  #installed: readonly InstalledFault[] = [];
  #named = 0;
  // By where they are asked for, so that a server without faults pays one comparison.
  #onRequests: readonly InstalledFault<OnRequest>[] = [];
  #partial: readonly InstalledFault<Of<'partial'>>[] = [];
  #duplicate: readonly InstalledFault<Of<'duplicate'>>[] = [];
  #stuck: readonly InstalledFault[] = [];
  #skew: readonly InstalledFault<Of<'skew'>>[] = [];

  constructor(clock: Clock, seed: number = defaultSeed) {
    this.#clock = clock;
    this.seed = seed;
  }

  /** Sets all of them or, throwing FaultsRefused, none; answers their ids. */
  set(faults: readonly Fault[]): string[] {
    if (this.#installed.length + faults.length > maxFaults) {
      throw new FaultsRefused(undefined, this.#installed.length + faults.length, `at most ${maxFaults} at once: delete some first`);
    }
    const taken = new Set(this.#installed.map(({ id }) => id));
    for (const [index, { id }] of faults.entries()) {
      if (id === undefined) continue;
      if (taken.has(id)) throw new FaultsRefused(index, id, 'an id that no other fault has');
      taken.add(id);
    }
    const nowMs = this.#clock.now();
    const added = faults.map((fault) => {
      let { id } = fault;
      while (id === undefined || (fault.id === undefined && taken.has(id))) id = `f${++this.#named}`;
      return new InstalledFault(fault, id, this.seed, nowMs);
    });
    this.#keep([...this.#installed, ...added]);
    return added.map(({ id }) => id);
  }

  /** Removes one, or all; answers what they had counted. */
  remove(id?: string): ListedFault[] {
    const gone = this.#installed.filter((one) => id === undefined || one.id === id);
    this.#keep(this.#installed.filter((one) => !gone.includes(one)));
    return gone.map((one) => one.list(this.#clock.now()));
  }

  list(): ListedFault[] {
    return this.#installed.map((one) => one.list(this.#clock.now()));
  }

  /** Asked once for each request, before anything is done. */
  fateOf(subject: Subject): Fate {
    if (this.#onRequests.length === 0) return spared;
    let fate: Fate = spared;
    const nowMs = this.#clock.now();
    for (const one of this.#onRequests) {
      const { fault } = one;
      if (fault.kind === 'expired-iterator' && subject.operation !== 'GetRecords') continue;
      if (!one.strikes(subject.operation, subject, nowMs)) continue;
      switch (fault.kind) {
        case 'slow':
          fate = { ...fate, delayMs: (fate.delayMs ?? 0) + delayOf(fault, one.random) };
          break;
        case 'lost':
          fate = { ...fate, lost: fault.answer ?? 'drop' };
          break;
        case 'reset':
          return { ...fate, reset: true };
        default:
          return { ...fate, error: refusalOf(fault, subject) };
      }
    }
    return fate;
  }

  /** Asked once for each PutRecords; the answer, for each entry of it, in their order. Undefined: all are spared. */
  entryFailures(subject: Subject): ((shardId: string) => EntryFailure | undefined) | undefined {
    if (this.#partial.length === 0) return undefined;
    const nowMs = this.#clock.now();
    const struck = this.#partial.filter((one) => one.strikes('PutRecords', subject, nowMs));
    return struck.length === 0 ? undefined : (shardId) => firstOf(struck, shardId);
  }

  /** How many records before its place a reader gets again that begins at a sequence number. */
  duplicatesFor(subject: Subject): number {
    if (this.#duplicate.length === 0) return 0;
    const nowMs = this.#clock.now();
    const struck = this.#duplicate.filter((one) => one.strikes(subject.operation, subject, nowMs));
    return Math.max(0, ...struck.map(({ fault }) => fault.records));
  }

  /** Whether a read of a shard, or the next event of a subscription, gets no records though there are some. */
  isStuck(subject: Subject): boolean {
    if (this.#stuck.length === 0) return false;
    const nowMs = this.#clock.now();
    return this.#stuck.some((one) => one.strikes(subject.operation, subject, nowMs));
  }

  /** Asked once for each put; the answer gives ms to be added to the arrival time, record by record. Undefined: none. */
  skews(subject: Subject): ((shardId: string) => number) | undefined {
    if (this.#skew.length === 0) return undefined;
    const nowMs = this.#clock.now();
    const { operation, stream } = subject;
    return (shardId) => {
      const target = { stream, consumer: undefined, touches: (id: string) => id === shardId };
      const struck = this.#skew.filter((one) => one.strikes(operation, target, nowMs));
      return struck.reduce((sum, { fault }) => sum + fault.skewMs, 0);
    };
  }

  #keep(installed: readonly InstalledFault[]): void {
    this.#installed = installed;
    this.#onRequests = ofKind(installed, 'throttle', 'error', 'reset', 'lost', 'slow', 'expired-iterator');
    this.#partial = ofKind(installed, 'partial');
    this.#duplicate = ofKind(installed, 'duplicate');
    this.#stuck = ofKind(installed, 'stuck');
    this.#skew = ofKind(installed, 'skew');
  }
}

const ofKind = <K extends FaultKind>(installed: readonly InstalledFault[], ...kinds: readonly K[]): InstalledFault<Of<K>>[] =>
  installed.filter(({ fault }) => (kinds as readonly FaultKind[]).includes(fault.kind)) as InstalledFault<Of<K>>[];

function firstOf(struck: readonly InstalledFault<Of<'partial'>>[], shardId: string): EntryFailure | undefined {
  // All of them draw: a failure by one must not shift the draws of the next.
  const [first] = struck.filter(
    ({ fault, random }) => (fault.shard === undefined || fault.shard === shardId) && random() < (fault.share ?? 1),
  );
  return first && (first.fault.code ?? 'ProvisionedThroughputExceededException');
}

function delayOf({ delayMs, jitterMs = 0 }: Of<'slow'>, random: () => number): number {
  return jitterMs === 0 ? delayMs : Math.max(0, Math.round(delayMs + (random() * 2 - 1) * jitterMs));
}
