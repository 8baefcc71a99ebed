import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isGroupAlive } from '../../../services/lib/process/process-group.ts';
import { findProgram } from '../../setup/prerequisites.mjs';
import { LogTail } from './log-tail.ts';
import { forget, reaperInput, remember } from './reaper.ts';

export interface ProcessOptions {
  /** Shown in messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Standard output and error, appended. */
  readonly logFile: string;
  /** Asked until it says true, or a line of the process's own output that says so. */
  readonly ready: (() => Promise<boolean>) | { readonly stdoutLine: RegExp };
  readonly readyTimeoutMs: number;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ManagedProcess {
  readonly name: string;
  /** Also the number of its process group. */
  readonly pid: number;
  /** Match of `ready.stdoutLine`; undefined when readiness was asked for. */
  readonly readyMatch: RegExpExecArray | undefined;
  /** Settles once the process has ended and its group was cleared. Never rejects. */
  readonly exited: Promise<Exit>;
  /** SIGTERM (or `signal`) to the process; after the deadline (default 10 s) SIGKILL to its whole group. */
  stop(signal?: NodeJS.Signals, deadlineMs?: number): Promise<Exit>;
  /** SIGKILL to the whole group, as when a machine is lost. */
  kill(): Promise<Exit>;
}

/** The process could not be started or ended before it was ready; the message holds the end of its log. */
export class StartFailure extends Error {
  override readonly name = 'StartFailure';
}

const pollMs = 20;
const defaultStopMs = 10_000;
const groupGoneMs = 2_000;
const shownLogLines = 20;

/** Registers its own process group with the reaper, then becomes the command: no moment at which it could be left behind. */
const wrapper = 'echo "+ $$" >&3 && exec 3>&- && exec "$@"';

/**
 * Starts a process in its own group, with its own log file, and waits until it is ready. Whatever becomes of this
 * process, the group does not outlive it. Rejects with StartFailure; nothing of the group is left then.
 */
export async function startProcess(options: ProcessOptions): Promise<ManagedProcess> {
  const command = options.command.includes('/') ? options.command : findProgram(options.command, options.env);
  if (command === undefined) throw new StartFailure(`${options.name}: ${options.command} was not found on PATH`);
  mkdirSync(dirname(options.logFile), { recursive: true });
  const log = openSync(options.logFile, 'a');
  const tail = new LogTail(options.logFile);
  const child = spawn('/bin/sh', ['-c', wrapper, options.name, command, ...options.args], {
    cwd: options.cwd,
    env: { ...options.env },
    detached: true,
    stdio: ['ignore', log, log, reaperInput()],
  });
  closeSync(log);
  const { pid } = child;
  if (pid === undefined) {
    const cause = await new Promise<Error>((resolve) => child.once('error', resolve));
    throw new StartFailure(`${options.name} could not be started: ${cause.message}`);
  }
  remember(pid);
  let ended: Exit | undefined;
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => {
      ended = { code, signal };
      void clearGroup(pid).then(() => resolve({ code, signal }));
    });
  });
  const kill = (): Promise<Exit> => {
    if (ended === undefined) signalGroup(pid, 'SIGKILL');
    return exited;
  };
  const stop = async (signal: NodeJS.Signals = 'SIGTERM', deadlineMs = defaultStopMs): Promise<Exit> => {
    if (ended === undefined) child.kill(signal);
    const deadline = setTimeout(() => void kill(), deadlineMs);
    try {
      return await exited;
    } finally {
      clearTimeout(deadline);
    }
  };
  const lines: string[] = [];
  try {
    const readyMatch = await becomesReady(options, tail, lines, () => ended);
    return { name: options.name, pid, readyMatch, exited, stop, kill };
  } catch (error) {
    await kill();
    lines.push(...tail.readLines());
    const problem = error instanceof Error ? error.message : String(error);
    const end = lines.slice(-shownLogLines).join('\n');
    throw new StartFailure(`${options.name} ${problem}. End of ${options.logFile}:\n${end === '' ? '(empty)' : end}`, { cause: error });
  }
}

async function becomesReady(
  { ready, readyTimeoutMs }: ProcessOptions,
  tail: LogTail,
  lines: string[],
  ended: () => Exit | undefined,
): Promise<RegExpExecArray | undefined> {
  const deadline = performance.now() + readyTimeoutMs;
  for (;;) {
    // Read before the output: what it printed last must not be missed.
    const exit = ended();
    if (typeof ready === 'function') {
      if (exit === undefined && (await ready())) return undefined;
    } else {
      for (const line of tail.readLines()) {
        const match = ready.stdoutLine.exec(line);
        if (match !== null) return match;
        lines.push(line);
      }
    }
    if (exit !== undefined) throw new Error(`ended before it was ready (${exit.signal ?? `exit code ${exit.code}`})`);
    if (performance.now() > deadline) throw new Error(`was not ready after ${readyTimeoutMs} ms`);
    await delay(pollMs);
  }
}

/** Ends what the leader left of its group; only then is the number free to be forgotten. */
async function clearGroup(group: number): Promise<void> {
  const deadline = performance.now() + groupGoneMs;
  signalGroup(group, 'SIGKILL');
  while (isGroupAlive(group) && performance.now() < deadline) await delay(pollMs);
  forget(group);
}

function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch {
    // it has no member any more
  }
}
