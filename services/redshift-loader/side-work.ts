import type { Background } from '../lib/kcl/consumer.ts';
import { type CommitterOptions, startCommitter } from './commit/committer.ts';

/** What the task that commits does beside its commits, which never wait for it. No call waits or throws. */
export interface SideWork {
  /** This task commits: starts what is due. */
  leading(): void;
  /** A batch was committed. */
  committed?(): void;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

/** A request that is under way may end; what is given up after that is what a crash gives up. */
const stopGraceMs = 5_000;

/** `works`: made with the signal that is aborted when the task stops. */
export function startCommitterWith(options: CommitterOptions, works: (signal: AbortSignal) => readonly SideWork[]): Background {
  const stopping = new AbortController();
  const started = works(stopping.signal);
  const committer = startCommitter({ ...options, rounds: followed(options.rounds, started) });
  return {
    async stop() {
      stopping.abort();
      await Promise.all([
        committer.stop(),
        atMost(
          stopGraceMs,
          started.map((work) => work.idle()),
        ),
      ]);
    },
  };
}

type Rounds = CommitterOptions['rounds'];

/** Whoever is asked whether there is work leads. */
function followed(rounds: Rounds, works: readonly SideWork[]): Rounds {
  return {
    hasWork() {
      for (const work of works) work.leading();
      return rounds.hasWork();
    },
    async run() {
      const outcome = await rounds.run();
      if (typeof outcome === 'object') for (const work of works) work.committed?.();
      return outcome;
    },
    abort: () => rounds.abort(),
  };
}

async function atMost(ms: number, work: readonly Promise<void>[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([Promise.all(work), late]);
  clearTimeout(timer);
}
