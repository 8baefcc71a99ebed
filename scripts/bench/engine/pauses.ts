import { setImmediate as nextTurn } from 'node:timers/promises';
import { collectGarbage } from './cpu.ts';

export interface Snapshotted {
  readonly snapshot: () => Iterator<Buffer>;
  /** Applies one more event. */
  readonly apply: () => void;
  readonly restore: (frames: AsyncIterable<Buffer>) => Promise<unknown>;
}

/** Events applied between two frames. */
const eventsPerFrame = 200;

/** Starts a clock of the time that the process runs: what other processes take on a busy machine is no pause of this one. */
function clock(): () => number {
  const [wall, cpu] = [performance.now(), process.cpuUsage()];
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    return Math.min(performance.now() - wall, (user + system) / 1_000);
  };
}

export function ranMs(work: () => void): number {
  const ran = clock();
  work();
  return ran();
}

/** Snapshot and restore of a state while other work goes on; each step that other work waits for is timed. Milliseconds. */
export async function longestPauses({ snapshot, apply, restore }: Snapshotted) {
  collectGarbage();
  const frames: Buffer[] = [];
  let [pauseMs, applyMs, restorePauseMs] = [0, 0, 0];
  const started = performance.now();
  let made: Iterator<Buffer> | undefined;
  for (let done = false; !done; ) {
    const frameMs = ranMs(() => {
      made ??= snapshot();
      const next = made.next();
      done = next.done === true;
      if (next.done !== true) frames.push(next.value);
    });
    pauseMs = Math.max(pauseMs, frameMs);
    await nextTurn();
    for (let i = 0; i < eventsPerFrame && !done; i++) applyMs = Math.max(applyMs, ranMs(apply));
  }
  const snapshotMs = performance.now() - started;

  collectGarbage();
  const restoring = performance.now();
  async function* chunks(): AsyncGenerator<Buffer> {
    for (const frame of frames) {
      const ran = clock();
      yield frame;
      restorePauseMs = Math.max(restorePauseMs, ran());
      await nextTurn();
    }
  }
  await restore(chunks());
  const restoreMs = performance.now() - restoring;
  return { snapshotMs, pauseMs, applyMs, bytes: frames.reduce((sum, { length }) => sum + length, 0), restoreMs, restorePauseMs };
}
