import { setTimeout as sleep } from 'node:timers/promises';
import { ensureError, isPlatformError, PlatformError } from '../../process/errors.ts';
import type { Logger } from '../../process/log.ts';
import type { Metrics } from '../../process/metrics.ts';
import { backoffMs } from '../../producer/backoff.ts';
import { type CompiledRules, compileRules } from '../compile.ts';
import { parseRulesText } from '../rules-text.ts';
import { assertKnownSchema, type RulesPointer } from './pointer.ts';
import { type RulesStore, readOrSeed } from './rules-store.ts';
import { needsReread, RulesTimeline, rereadIntervalMs } from './timeline.ts';

export interface RulesSourceOptions {
  readonly store: RulesStore;
  /** The build's own rules, published as generation 1 where there are none. */
  readonly defaults: Buffer;
  /** Epoch ms. */
  readonly now: () => number;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly random?: () => number;
  readonly pause?: (ms: number) => Promise<unknown>;
}

interface Read {
  readonly pointer: RulesPointer;
  readonly timeline: RulesTimeline;
  /** Before the read, epoch ms. */
  readonly at: number;
}

const backoff = { baseMs: 100, capMs: 5_000 };

/**
 * The rules as they are published, for the shards of this process. What is asked for is waited for, without end: to go on with older
 * rules than a record asks for would break the switch by data. All else is best effort: a pointer that cannot be read when nothing
 * depends on it leaves what is in force. Only a start, before there are any rules, is ended by an answer that waiting does not change.
 */
export class RulesSource {
  readonly #options: RulesSourceOptions;
  #read: Read | undefined;
  #triedAt = Number.NEGATIVE_INFINITY;
  readonly #rules = new Map<number, Promise<CompiledRules>>();
  readonly #rejected = new Set<number>();
  /** Some rules were read: this is no start any more. */
  #hasRules = false;

  constructor(options: RulesSourceOptions) {
    this.#options = options;
  }

  /** For records that arrived up to `newestArrival`, epoch ms. Rejects by the signal; at the start also with what cannot pass. */
  async timeline(newestArrival: number, signal?: AbortSignal): Promise<RulesTimeline> {
    if (this.#read === undefined || needsReread(this.#read.at, newestArrival)) {
      await this.#untilDone('read the rules pointer', () => this.#reread(), signal);
    }
    this.refresh();
    return (this.#read as Read).timeline;
  }

  /**
   * The rules of a generation that the timeline names. One whose file is no rules file has those of the generation before it: all builds
   * that know its schema version find the same. One that does not know it cannot tell, and waits for its successor, loudly. Rejects as
   * `timeline` does.
   */
  rules(generation: number, signal?: AbortSignal): Promise<CompiledRules> {
    const load = async (): Promise<CompiledRules> => {
      const isListed = (this.#read?.timeline.upTo(generation) ?? []).length > 0;
      if (!isListed) await this.#reread(); // another process has seen it before this one
      return this.#load(generation);
    };
    return this.#untilDone(`read the rules of generation ${generation}`, load, signal);
  }

  /** Whether alerts of the rule are to be stored but not published; up to half a minute after it was said. Undefined: not known yet. */
  withholds(ruleId: string): boolean | undefined {
    if (this.#read === undefined) return undefined;
    const { withheld } = this.#read.pointer;
    return withheld === 'all' || withheld.includes(ruleId);
  }

  /** To be called often: reads the pointer again, in the background, when it is time to. */
  refresh(): void {
    if (this.#options.now() < this.#triedAt + rereadIntervalMs) return;
    this.#reread().catch((error: unknown) => this.#unreadable(error));
  }

  async #reread(): Promise<void> {
    const { store, defaults, now } = this.#options;
    const at = now();
    this.#triedAt = at;
    const pointer = await readOrSeed(store, defaults, at);
    if (this.#read !== undefined && pointer.version < this.#read.pointer.version) {
      if (at > this.#read.at) throw new PlatformError('RULES_INVALID', 'the rules pointer is older than one that was read before');
      return; // this read began before the newer one
    }
    this.#read = { pointer, timeline: new RulesTimeline(pointer.generations), at: Math.max(at, this.#read?.at ?? at) };
    const { newest } = this.#read.timeline;
    this.#load(newest).catch((error: unknown) => this.#unreadable(error)); // so that it is at hand, or found to be invalid, before it is due
  }

  #load(generation: number): Promise<CompiledRules> {
    let loading = this.#rules.get(generation);
    if (loading === undefined) {
      loading = this.#compile(generation);
      this.#rules.set(generation, loading);
      loading.catch(() => this.#rules.delete(generation));
    }
    return loading;
  }

  async #compile(generation: number): Promise<CompiledRules> {
    for (const listed of this.#read?.timeline.upTo(generation) ?? []) {
      assertKnownSchema(listed);
      const bytes = await this.#options.store.readRules(listed.hash);
      try {
        const rules = compileRules(parseRulesText(bytes));
        this.#hasRules = true;
        return rules;
      } catch (error) {
        if (!isPlatformError(error, 'RULES_INVALID')) throw error;
        this.#reject(listed.generation, error);
      }
    }
    throw new PlatformError('RULES_INVALID', `there are no valid rules in generation ${generation} or before it`);
  }

  #reject(generation: number, error: Error): void {
    if (this.#rejected.has(generation)) return;
    this.#rejected.add(generation);
    this.#options.metrics.count('rules_rejected');
    this.#options.log.error(
      { event: 'rules.rejected', generation, err: error },
      'published rules are invalid: those before them stay in force',
    );
  }

  #unreadable(error: unknown): void {
    this.#options.metrics.count(isPlatformError(error, 'RULES_INVALID') ? 'rules_rejected' : 'rules_unreadable');
    this.#options.log.error({ event: 'rules.unreadable', err: ensureError(error) }, 'published rules cannot be read, they are tried again');
  }

  async #untilDone<T>(what: string, call: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const { random = Math.random, pause = sleep } = this.#options;
    for (let attempt = 1; ; attempt++) {
      signal?.throwIfAborted();
      try {
        return await call();
      } catch (error) {
        this.#unreadable(error);
        if (!this.#hasRules && isRefused(error)) throw error;
        this.#options.log.warn({ event: 'rules.held', what, attempt }, `cannot ${what}: the shard waits`);
        await pause(backoffMs(attempt, backoff, random));
      }
    }
  }
}

/** By AWS, for good: a right is missing, or the table. */
const isRefused = (error: unknown): boolean =>
  (isPlatformError(error, 'TABLE_UNAVAILABLE') || isPlatformError(error, 'OBJECT_UNAVAILABLE')) && !error.retriable;
