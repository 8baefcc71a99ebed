import { setTimeout as delay } from 'node:timers/promises';
import { ensureError } from '../process/errors.ts';
import type { HealthReport } from '../process/health.ts';
import type { Logger } from '../process/log.ts';
import type { Metrics } from '../process/metrics.ts';
import type { ProcessGroup } from '../process/process-group.ts';
import type { ChildLinkServer, LinkedChild } from './child-link-server.ts';
import type { Background } from './consumer.ts';
import { RestartPolicy } from './restart-policy.ts';

/**
 * - STARTING: stream and tables are looked up; no daemon runs.
 * - RUNNING: a daemon runs and its children are watched.
 * - RESTARTING: a daemon or one of its children ended unasked; the rest was killed, the next start is due after a pause.
 *   There is no giving up: it is logged and counted (`daemon_restarts`) every time.
 * - STOPPING: a signal came; the daemon lets its children checkpoint, then everything is ended, the background work last.
 * - STOPPED: nothing runs any more.
 * - FAILED: the start was not possible; nothing runs.
 */
export type LauncherState = 'STARTING' | 'RUNNING' | 'RESTARTING' | 'STOPPING' | 'STOPPED' | 'FAILED';

export interface Prepared {
  /** Starts daemon number `generation`. */
  startDaemon(generation: number): Promise<ProcessGroup>;
  startBackground(): Background | undefined;
}

/** `clean`: every child answered its last action. `forced`: the deadline passed, a second signal came, or a child died meanwhile. */
export type StopOutcome = 'clean' | 'forced';

/** A child that has said nothing for this long hangs: it reports every second. */
const childSilenceLimitMs = 60_000;
/** Share of the stop deadline after which the daemon is killed; the rest belongs to the background work. */
const daemonShareOfDeadline = 0.85;

/** Keeps one daemon running until it is told to stop. At no time do processes of two daemons live at once. */
export class Launcher {
  readonly #log: Logger;
  readonly #metrics: Metrics;
  readonly #link: ChildLinkServer;
  readonly #stopDeadlineMs: number;
  readonly #restarts = new RestartPolicy();
  readonly #stop = new AbortController();
  readonly #force = new AbortController();
  #state: LauncherState = 'STARTING';
  #generation = 0;
  #daemonPid: number | undefined;
  #childLost: ((child: LinkedChild) => void) | undefined;
  #childLeft: (() => void) | undefined;
  #anyLost = false;

  constructor(options: {
    readonly log: Logger;
    readonly metrics: Metrics;
    readonly link: ChildLinkServer;
    /** From the signal to the end of everything. */
    readonly stopDeadlineMs: number;
  }) {
    this.#log = options.log;
    this.#metrics = options.metrics;
    this.#link = options.link;
    this.#stopDeadlineMs = options.stopDeadlineMs;
  }

  get state(): LauncherState {
    return this.#state;
  }

  /** Asks for an orderly stop; `run` resolves when it is done. */
  stop(): void {
    if (!this.#stop.signal.aborted) this.#stop.abort();
  }

  /** Ends everything now. */
  force(): void {
    this.stop();
    this.#force.abort();
  }

  /** Must be told of every child whose link has closed. */
  childLeft(child: LinkedChild): void {
    if (child.generation === this.#generation && (child.done === undefined || child.done === 'stdinClosed')) this.#childLost?.(child);
    this.#childLeft?.();
  }

  health(): HealthReport {
    const now = performance.now();
    const children = this.#link.children.map((child) => ({
      pid: child.pid,
      shard: child.shardId ?? null,
      silentMs: Math.round(now - child.lastSeen),
    }));
    const alive = this.#daemonPid !== undefined && children.every((child) => child.silentMs < childSilenceLimitMs);
    return {
      healthy: this.#state === 'STOPPING' || (this.#state === 'RUNNING' && alive),
      state: this.#state,
      daemon: { pid: this.#daemonPid ?? null, generation: this.#generation, failuresInARow: this.#restarts.failures },
      children,
    };
  }

  /** Resolves after a stop; rejects when the start was not possible. */
  async run(prepare: (signal: AbortSignal) => Promise<Prepared>): Promise<StopOutcome> {
    let background: Background | undefined;
    let outcome: StopOutcome = 'clean';
    try {
      // Nothing runs yet: a stop does not wait for a call that nobody answers.
      const stopped = aborted(this.#stop.signal).then((): never => {
        throw this.#stop.signal.reason;
      });
      const prepared = await Promise.race([prepare(this.#stop.signal), stopped]);
      background = prepared.startBackground();
      while (!this.#stop.signal.aborted) outcome = await this.#runDaemon(prepared);
    } catch (error) {
      const stoppedWhileStarting = this.#stop.signal.aborted && this.#state === 'STARTING';
      if (!stoppedWhileStarting) {
        if (background !== undefined) await this.#stopBackground(background);
        this.#enter('FAILED');
        throw error;
      }
    }
    this.#enter('STOPPING');
    if (background !== undefined && !(await this.#stopBackground(background))) outcome = 'forced';
    this.#enter('STOPPED');
    return outcome;
  }

  /** One daemon's life, and the pause after it when it ended unasked. */
  async #runDaemon(prepared: Prepared): Promise<StopOutcome> {
    this.#generation += 1;
    this.#link.generation = this.#generation;
    this.#anyLost = false;
    const lost = new Promise<LinkedChild>((resolve) => {
      this.#childLost = (child) => {
        this.#anyLost = true;
        resolve(child);
      };
    });
    const startedAt = performance.now();
    const daemon = await prepared.startDaemon(this.#generation).catch((thrown: unknown) => ensureError(thrown));
    if (daemon instanceof Error) {
      await this.#pauseBeforeRestart(`the daemon could not be started (${daemon.message})`, 0);
      return 'clean';
    }
    this.#daemonPid = daemon.pid;
    this.#enter('RUNNING');
    this.#log.info({ event: 'daemon.started', pid: daemon.pid, generation: this.#generation }, 'the daemon runs');
    const exited = daemon.exited.then((end) => {
      this.#daemonPid = undefined;
      return end;
    });
    const cause = await Promise.race([
      aborted(this.#stop.signal).then(() => 'stop' as const),
      exited.then((end) => `daemon ended with ${end.signal ?? `code ${end.code}`}`),
      lost.then((child) => `child ${child.pid} of ${child.shardId ?? 'no shard yet'} ended without a word`),
    ]);
    if (cause === 'stop') return this.#stopDaemon(daemon, exited, lost);

    this.#enter('RESTARTING');
    await this.#endDaemon(daemon);
    await this.#pauseBeforeRestart(cause, performance.now() - startedAt);
    return 'clean';
  }

  async #pauseBeforeRestart(cause: string, livedMs: number): Promise<void> {
    this.#enter('RESTARTING');
    const pauseMs = this.#restarts.nextDelay(livedMs);
    this.#metrics.count('daemon_restarts');
    this.#log.error(
      { event: 'daemon.restarting', cause, pauseMs, failuresInARow: this.#restarts.failures },
      `${cause}: the daemon is started again in ${pauseMs} ms`,
    );
    await delay(pauseMs, undefined, { signal: this.#stop.signal }).catch(() => {});
  }

  /**
   * The daemon has its children checkpoint and end, and then idles for 5 to 12 s (after a reshard for its whole grace):
   * as soon as no child is left it is ended. Exit code 143 or 137 is the normal end.
   */
  async #stopDaemon(daemon: ProcessGroup, exited: Promise<unknown>, lost: Promise<LinkedChild>): Promise<StopOutcome> {
    this.#enter('STOPPING');
    this.#log.info({ event: 'daemon.stopping', children: this.#link.children.length }, 'the daemon is told to stop');
    daemon.signal('SIGTERM');
    const noChildren = new Promise<'no children'>((resolve) => {
      const check = (): void => {
        if (this.#link.children.length === 0) resolve('no children');
      };
      this.#childLeft = check;
      check();
    });
    const timer = new AbortController();
    const reason = await Promise.race([
      noChildren,
      exited.then(() => 'daemon ended' as const),
      lost.then((child) => `child ${child.pid} died` as const),
      aborted(this.#force.signal).then(() => 'forced' as const),
      delay(this.#stopDeadlineMs * daemonShareOfDeadline, 'deadline passed' as const, { signal: timer.signal }).catch(
        () => 'cancelled' as const,
      ),
    ]);
    timer.abort();
    const answered = this.#link.children.every((child) => child.done === 'leaseLost' || child.done === 'shardEnded');
    const clean = !this.#anyLost && (reason === 'no children' || (reason === 'daemon ended' && answered));
    await this.#endDaemon(daemon);
    this.#log[clean ? 'info' : 'warn']({ event: 'daemon.stopped', reason }, `the daemon has stopped: ${reason}`);
    return clean ? 'clean' : 'forced';
  }

  async #endDaemon(daemon: ProcessGroup): Promise<void> {
    this.#childLost = undefined;
    await daemon.end();
    this.#daemonPid = undefined;
  }

  async #stopBackground(background: Background): Promise<boolean> {
    const timer = new AbortController();
    const late = delay(this.#stopDeadlineMs * (1 - daemonShareOfDeadline), false, { signal: timer.signal }).catch(() => false);
    try {
      return await Promise.race([background.stop().then(() => true), aborted(this.#force.signal).then(() => false), late]);
    } catch (thrown) {
      this.#log.error({ event: 'background.stop.failed', err: ensureError(thrown) }, 'the background work did not stop in order');
      return false;
    } finally {
      timer.abort();
    }
  }

  #enter(state: LauncherState): void {
    this.#state = state;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
