import { setTimeout as sleep } from 'node:timers/promises';
import type { ObjectStore } from '../objects/object-store.ts';
import { isPlatformError } from '../process/errors.ts';
import type { Logger } from '../process/log.ts';
import { type BackoffLimits, backoffMs } from '../producer/backoff.ts';
import { type DeadLetter, deadLetterKey, encodeDeadLetter } from './format.ts';

export interface DeadLetters {
  /**
   * Resolves when the letter is stored for good; the same source position is the same object, so a repeat changes nothing.
   * A store that is down is tried again for as long as it takes: the caller must not checkpoint before.
   */
  put(letter: Omit<DeadLetter, 'service'>): Promise<void>;
}

export interface DeadLetterOptions {
  readonly log?: Logger;
  readonly random?: () => number;
  readonly pause?: (ms: number) => Promise<unknown>;
}

const backoff: BackoffLimits = { baseMs: 100, capMs: 10_000 };

export function createDeadLetters(store: ObjectStore, service: string, options: DeadLetterOptions = {}): DeadLetters {
  const { log, random = Math.random, pause = sleep } = options;
  return {
    async put(letter) {
      const whole: DeadLetter = { ...letter, service };
      const key = deadLetterKey(whole);
      const body = encodeDeadLetter(whole);
      for (let attempt = 1; ; attempt++) {
        try {
          await store.create(key, body, 'application/json');
          return;
        } catch (error) {
          if (!isPlatformError(error) || !error.retriable) throw error;
          log?.warn({ event: 'dead_letter.retry', key, attempt, err: error }, 'the object store did not take a dead letter');
          await pause(backoffMs(attempt, backoff, random));
        }
      }
    },
  };
}
