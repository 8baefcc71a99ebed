import { setTimeout as sleep } from 'node:timers/promises';
import { isPlatformError } from '../process/errors.ts';
import type { Logger } from '../process/log.ts';
import { type BackoffLimits, backoffMs } from '../producer/backoff.ts';

const backoff: BackoffLimits = { baseMs: 100, capMs: 5_000 };

export interface Patience {
  readonly log: Logger;
  readonly random?: () => number;
  readonly pause?: (ms: number) => Promise<unknown>;
  /** Aborted: nobody needs the answer any more. What is under way may have its effect all the same, as if its answer was lost. */
  readonly signal?: AbortSignal;
}

/**
 * Repeats a call that may be made twice until it is answered, for as long as it takes: going on without its answer would be wrong,
 * and ending the process would only let another one wait. KCL's timeoutInSeconds is the bound. Rejects with what waiting cannot cure, and
 * with the signal's reason as soon as that is aborted.
 */
export async function untilAnswered<T>(what: string, call: () => Promise<T>, { log, random, pause = sleep, signal }: Patience): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    try {
      return await unlessAborted(call(), signal);
    } catch (error) {
      if (!isPlatformError(error) || !error.retriable) throw error;
      log.warn({ event: 'state.retry', what, attempt, err: error }, `cannot ${what} yet, it is tried again`);
      await unlessAborted(pause(backoffMs(attempt, backoff, random ?? Math.random)), signal);
    }
  }
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  let abort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
