import { setTimeout as sleep } from 'node:timers/promises';
import { isPlatformError } from '../process/errors.ts';
import type { Logger } from '../process/log.ts';
import { type BackoffLimits, backoffMs } from '../producer/backoff.ts';
import type { ObjectStore } from './object-store.ts';

export interface CreateSurelyOptions {
  readonly log?: Logger | undefined;
  readonly random?: (() => number) | undefined;
  readonly pause?: ((ms: number) => Promise<unknown>) | undefined;
}

const backoff: BackoffLimits = { baseMs: 100, capMs: 10_000 };

/**
 * Creates an object whose key names its content, so that `exists` is as good as created. A store that is down is tried again for
 * as long as it takes. Rejects only with what waiting cannot cure.
 */
export async function createSurely(store: ObjectStore, key: string, body: Buffer, options: CreateSurelyOptions = {}): Promise<void> {
  const { log, random = Math.random, pause = sleep } = options;
  for (let attempt = 1; ; attempt++) {
    try {
      await store.create(key, body, 'application/json');
      return;
    } catch (error) {
      if (!isPlatformError(error) || !error.retriable) throw error;
      log?.warn({ event: 'object.retry', key, attempt, err: error }, 'the object store did not take an object');
      await pause(backoffMs(attempt, backoff, random));
    }
  }
}
