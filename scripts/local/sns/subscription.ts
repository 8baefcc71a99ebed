import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FilterPolicy, lambdaEvent } from './lambda-event.ts';
import type { CaughtMessage } from './sns.ts';

/** unavailable: the function was not reached, or told to come later. error: it ran and failed. */
export type InvocationResult =
  | { readonly kind: 'done' }
  | { readonly kind: 'error'; readonly message: string }
  | { readonly kind: 'unavailable' };

export interface SubscriptionOptions {
  readonly topicArn: string;
  /** @default every message */
  readonly filterPolicy?: FilterPolicy;
  readonly invoke: (event: object) => Promise<InvocationResult>;
  /**
   * Pauses before the further attempts after a function error; so many attempts there are. Lambda: 1 and 2 minutes, at most two
   * (Lambda developer guide, "How Lambda handles errors and retries with asynchronous invocation").
   * @default [200, 400]
   */
  readonly retryDelaysMs?: readonly number[];
  /** How often a message is delivered: 1, or more for a duplicate. @default once */
  readonly deliveries?: (message: CaughtMessage) => number;
  /** Messages that are with the function at once. @default 10 */
  readonly concurrency?: number;
}

/** What lies in the function's dead-letter queue: the event as it was, and the attributes that Lambda adds (same guide, "Dead-letter queues"). */
export interface DeadLetter {
  /** Epoch ms. */
  readonly at: number;
  readonly requestId: string;
  /** HTTP status; of a function error, 200. */
  readonly errorCode: number;
  /** The first 1 KB. */
  readonly errorMessage: string;
  readonly attempts: number;
  readonly event: object;
}

const defaultDelaysMs = [200, 400];
const defaultConcurrency = 10;
/**
 * SNS tries a Lambda that is away 100,015 times over 23 days (SNS developer guide, "Amazon SNS message delivery retries"), and Lambda a
 * function that is throttled for 6 hours: here both are tried again after this pause, until the end.
 */
const unavailablePauseMs = 500;
const maxErrorMessage = 1_024;

/** A function's subscription: at least once, in no order. */
export class Subscription {
  readonly options: SubscriptionOptions;
  readonly #file: string;
  readonly #arn: string;
  readonly #closed = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  readonly #waiting: (() => void)[] = [];
  readonly #deadLetters: DeadLetter[] = [];
  #free: number;

  /** `file`: of the dead letters, one JSON object a line. */
  constructor(options: SubscriptionOptions, file: string) {
    this.options = options;
    this.#file = file;
    this.#arn = `${options.topicArn}:${randomUUID()}`;
    this.#free = options.concurrency ?? defaultConcurrency;
  }

  get deadLetters(): readonly DeadLetter[] {
    return this.#deadLetters;
  }

  /** Deliveries that are neither done nor dead letters. */
  get underWay(): number {
    return this.#underWay.size;
  }

  offer(message: CaughtMessage): void {
    const event = lambdaEvent(message, this.#arn);
    for (let n = this.options.deliveries?.(message) ?? 1; n > 0; n--) {
      const delivery = this.#deliver(event)
        .catch(() => undefined) // closed meanwhile
        .finally(() => this.#underWay.delete(delivery));
      this.#underWay.add(delivery);
    }
  }

  /** Resolves when every message taken so far was handled or is a dead letter. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  /** Gives up what is under way. */
  async close(): Promise<void> {
    this.#closed.abort();
    for (const go of this.#waiting.splice(0)) go();
    await this.settled();
  }

  async #deliver(event: object): Promise<void> {
    const { signal } = this.#closed;
    const delays = this.options.retryDelaysMs ?? defaultDelaysMs;
    for (let failures = 0; ; ) {
      const result = await this.#invoke(event);
      if (result.kind === 'done') return;
      if (result.kind === 'unavailable') {
        await sleep(unavailablePauseMs, undefined, { signal });
        continue;
      }
      const delay = delays[failures++];
      if (delay === undefined) return this.#giveUp(event, result.message, failures);
      await sleep(delay, undefined, { signal });
    }
  }

  async #invoke(event: object): Promise<InvocationResult> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((go) => this.#waiting.push(go));
    try {
      this.#closed.signal.throwIfAborted();
      return await this.options.invoke(event);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }

  #giveUp(event: object, message: string, attempts: number): void {
    const errorMessage = Buffer.from(message).subarray(0, maxErrorMessage).toString();
    const letter = { at: Date.now(), requestId: randomUUID(), errorCode: 200, errorMessage, attempts, event };
    appendFileSync(this.#file, `${JSON.stringify(letter)}\n`);
    this.#deadLetters.push(letter);
  }
}

/** A function in this very process. */
export const inProcess =
  (handler: (event: object) => Promise<unknown>) =>
  async (event: object): Promise<InvocationResult> => {
    try {
      await handler(event);
      return { kind: 'done' };
    } catch (error) {
      return { kind: 'error', message: error instanceof Error ? error.message : String(error) };
    }
  };
