import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { PlatformError } from './errors.ts';

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProcessGroup {
  /** The first process of the group; the group has the same number. */
  readonly pid: number;
  /** Resolves when that first process has ended; others of the group may live on. */
  readonly exited: Promise<ProcessEnd>;
  /** To the first process alone. */
  signal(signal: NodeJS.Signals): void;
  /** Kills whatever is left of the group and resolves when none of it is alive. Rejects with TIMEOUT. */
  end(): Promise<void>;
}

/**
 * The command becomes the leader of a group of its own, beside a guard that reads a pipe of ours:
 * when this process ends in any way, kill -9 included, the pipe closes and the guard kills the group.
 */
const guardedStart = '(read _ <&3; kill -9 0) >/dev/null 2>&1 & exec "$@" 3<&-';
const endDeadlineMs = 10_000;
const endPollMs = 20;

/** Starts a command in its own process group (POSIX only). Lines of both outputs go to `onLine`. */
export async function startProcessGroup(options: {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly onLine: (line: string) => void;
}): Promise<ProcessGroup> {
  const child = spawn('/bin/sh', ['-c', guardedStart, 'sh', options.command, ...options.args], {
    cwd: options.cwd,
    env: options.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const exited = new Promise<ProcessEnd>((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  for (const output of [child.stdout as Readable, child.stderr as Readable]) {
    createInterface({ input: output, crlfDelay: Number.POSITIVE_INFINITY }).on('line', options.onLine);
  }
  try {
    await once(child, 'spawn');
  } catch (cause) {
    throw new PlatformError('DAEMON_FAILED', `cannot start ${options.command} in ${options.cwd}`, { cause });
  }
  const pid = child.pid as number;
  const guard = child.stdio[3] as Writable;
  guard.on('error', () => {}); // the group may be gone before our end of the pipe closes
  let ended = false;
  return {
    pid,
    exited,
    signal(signal) {
      if (!ended && child.exitCode === null && child.signalCode === null) child.kill(signal);
    },
    async end() {
      if (ended) return;
      killGroup(pid);
      guard.destroy();
      const deadline = Date.now() + endDeadlineMs;
      // An orphan of the group is not our child: no event tells of its end.
      while (isGroupAlive(pid)) {
        if (Date.now() > deadline)
          throw new PlatformError('TIMEOUT', `process group ${pid} is still alive ${endDeadlineMs} ms after SIGKILL`);
        await delay(endPollMs);
        killGroup(pid); // one that was forked while the signal went round
      }
      ended = true;
    },
  };
}

function killGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Whether a process of the group lives. A zombie does not: as PID 1 nobody but us would reap an orphan, and Node does not. */
export function isGroupAlive(group: number): boolean {
  try {
    process.kill(-group, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
  if (process.platform !== 'linux') return true;
  return readdirSync('/proc').some((name) => /^\d+$/.test(name) && isLiveMember(name, group));
}

/** proc_pid_stat(5): `pid (comm) state ppid pgrp …`; comm may hold blanks and brackets. */
function isLiveMember(pid: string, group: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state, , processGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(processGroup) === group && state !== 'Z' && state !== 'X';
  } catch {
    return false; // ended while we looked
  }
}
