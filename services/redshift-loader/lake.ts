import { setImmediate } from 'node:timers/promises';
import type { Background } from '../lib/kcl/consumer.ts';
import type { ObjectStore } from '../lib/objects/object-store.ts';
import { type CommitterOptions, startCommitter } from './committer.ts';
import { LakeQueue, type LakeQueueParts } from './lake-queue.ts';
import { LakeWriter } from './lake-writer.ts';

export interface LakeOptions extends Pick<LakeQueueParts, 'application' | 'streamId' | 'retentionMs'> {
  readonly objects: ObjectStore;
}

/** A request to the object store that is under way may end; what is given up after that is what a crash gives up. */
const stopGraceMs = 5_000;

/** The committer, and beside it the lake, which it never waits for. */
export function startCommitterAndLake(options: CommitterOptions, lake: LakeOptions): Background {
  const { database, metrics, log, now, random } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const writer = new LakeWriter({ database, objects: lake.objects, metrics, signal, yield: () => setImmediate() });
  const queue = new LakeQueue({ ...lake, database, writer, signal, log, metrics, now, random });
  const committer = startCommitter({ ...options, rounds: followed(options.rounds, queue) });
  return {
    async stop() {
      stopping.abort();
      await Promise.all([committer.stop(), atMost(stopGraceMs, queue.idle())]);
    },
  };
}

type Rounds = CommitterOptions['rounds'];

/** Whoever is asked whether there is work leads; what a round committed is for the lake. */
function followed(rounds: Rounds, queue: Pick<LakeQueue, 'leading' | 'committed'>): Rounds {
  return {
    hasWork() {
      queue.leading();
      return rounds.hasWork();
    },
    async run() {
      const outcome = await rounds.run();
      if (typeof outcome === 'object') queue.committed();
      return outcome;
    },
    abort: () => rounds.abort(),
  };
}

async function atMost(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
