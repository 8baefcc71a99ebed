import type { Background } from '../../lib/kcl/consumer.ts';
import { ensureError, isPlatformError } from '../../lib/process/errors.ts';
import { type BackoffLimits, backoffMs } from '../../lib/producer/backoff.ts';
import { endDeadHolders } from '../../lib/warehouse/gate.ts';
import { careFor } from './commit-failure.ts';
import type { CommitParts, CommitRounds } from './commit-round.ts';
import type { CommitterLease } from './committer-lease.ts';

export interface CommitterOptions extends Pick<CommitParts, 'database' | 'log' | 'metrics' | 'now'> {
  readonly rounds: Pick<CommitRounds, 'hasWork' | 'run' | 'abort'>;
  readonly lease: CommitterLease;
  /** At most one commit in this time, unless files wait that a batch had no room for. */
  readonly intervalMs: number;
  readonly leaseMs: number;
  readonly random: () => number;
  /** Resolves early when the signal aborts. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** How often an idle committer looks at the heads: one query. A file that finds the interval over is committed at the next look. */
const lookMs = 1_000;
/** Before a round that follows at once: a lost race is decided by then. Rounds in a row that came to nothing wait longer and longer. */
const againMs = 50;
const again: BackoffLimits = { baseMs: 2 * againMs, capMs: 5_000 };
/** A transaction under way may finish for this long when the task stops; after that it is given up, which is what a crash does. */
const stopGraceMs = 10_000;
/** A session that holds the gate this long without running anything belongs to a dead committer. */
export const deadHolderMs = 60_000;
/** Of what waits: told by the task that commits. What another one said before it stopped to lead would stand for ever. */
const gaugesOfLeader = ['files_waiting', 'uncommitted_age_ms', 'load_gaps', 'objects_left_out'] as const;

/**
 * The application's one committer: every task runs this, the holder of the lease commits.
 * A warehouse that is away only makes files wait; the shards do not notice.
 */
export function startCommitter(options: CommitterOptions): Background {
  const stopping = new AbortController();
  const running = loop(options, stopping.signal);
  return {
    async stop() {
      stopping.abort();
      const timer = setTimeout(() => void options.rounds.abort(), stopGraceMs);
      await running;
      clearTimeout(timer);
    },
  };
}

async function loop(options: CommitterOptions, signal: AbortSignal): Promise<void> {
  const { lease, log, metrics, now, pause, random, leaseMs, intervalMs } = options;
  let leading = false;
  let notBefore = 0;
  let failures = 0;
  let inVain = 0;
  let claimAt = 0;
  const prolong = setInterval(() => {
    if (leading) lease.claim().catch((error: unknown) => log.warn({ event: 'committer.lease', err: error }, 'the lease was not prolonged'));
  }, leaseMs / 3);
  while (!signal.aborted) {
    let waitMs = Math.min(lookMs, intervalMs);
    try {
      const led: boolean = leading;
      if (now() >= claimAt) {
        leading = await lease.claim();
        claimAt = now() + leaseMs / 3;
      }
      if (leading !== led) log.info({ event: 'committer.lease', leading }, leading ? 'this task commits now' : 'another task commits');
      metrics.gauge('committer', leading ? 1 : 0);
      if (!leading) for (const name of gaugesOfLeader) metrics.gauge(name, 0);
      if (leading && now() >= notBefore && (await options.rounds.hasWork())) {
        const outcome = await options.rounds.run();
        inVain = outcome === 'again' ? inVain + 1 : 0;
        if (inVain > 1) waitMs = backoffMs(inVain, again, random);
        else if (outcome === 'again' || (typeof outcome === 'object' && outcome.more)) waitMs = againMs;
        else if (outcome !== 'idle') notBefore = now() + intervalMs;
      }
      if (failures > 0) log.info({ event: 'committer.recovered', failures }, 'the committer goes on');
      failures = 0;
      metrics.gauge('committer_failures', 0);
      metrics.gauge('warehouse_disk_full', 0);
    } catch (thrown) {
      failures += 1;
      const care = careFor(thrown, failures, random);
      metrics.gauge('committer_failures', care.quiet ? 0 : failures);
      metrics.gauge('warehouse_disk_full', care.full ? 1 : 0);
      const line = { event: 'committer.failed', failures, err: ensureError(thrown) };
      log[care.quiet ? 'info' : 'warn'](line, 'a commit failed: files wait, shards go on');
      await endBlockers(options, thrown);
      waitMs = care.waitMs;
    }
    await pause(waitMs, signal);
  }
  clearInterval(prolong);
  if (leading)
    await lease.release().catch((error: unknown) => log.warn({ event: 'committer.lease', err: error }, 'the lease was not released'));
}

async function endBlockers({ database, log, metrics }: CommitterOptions, thrown: unknown): Promise<void> {
  if (!isPlatformError(thrown, 'WAREHOUSE_CONFLICT')) return;
  metrics.count('commit_conflicts');
  try {
    const ended = await endDeadHolders(database, deadHolderMs);
    if (ended > 0) log.warn({ event: 'committer.ended_dead', ended }, 'ended sessions that held the gate without doing anything');
  } catch (error) {
    log.warn({ event: 'committer.ended_dead', err: ensureError(error) }, 'could not look for dead sessions');
  }
}
