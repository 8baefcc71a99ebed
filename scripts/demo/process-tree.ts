import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const pollMs = 20;
const goneDeadlineMs = 10_000;

/** All processes below one (Linux; elsewhere none are known and its process group must do). */
export function descendantsOf(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of foldersOf('/proc')) {
    const parent = /^\d+$/.test(name) ? parentOf(name) : undefined;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found: number[] = [];
  for (let level = [pid]; level.length > 0; ) {
    level = level.flatMap((p) => children.get(p) ?? []);
    found.push(...level);
  }
  return found;
}

/** What a process was started with; empty when it has ended. */
export function commandOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  } catch {
    return [];
  }
}

/** To each, one after the other; those that have ended are passed over. */
export function signalAll(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) signal(pid, name);
}

/** kill -9, all at once, and waits until none is left. */
export async function killAll(pids: readonly number[]): Promise<void> {
  signalAll(pids, 'SIGKILL');
  for (const deadline = Date.now() + goneDeadlineMs; pids.some(isAlive); await sleep(pollMs)) {
    if (Date.now() > deadline) throw new Error(`processes ${pids.filter(isAlive).join(', ')} are alive after SIGKILL`);
  }
}

/** A zombie has ended: only its entry is left until its parent asks. */
function isAlive(pid: number): boolean {
  return signal(pid, 0) && stateOf(String(pid)) !== 'Z';
}

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false; // ended already
  }
}

function foldersOf(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** proc_pid_stat(5): `pid (comm) state ppid …`; comm may hold blanks and brackets. */
function fieldsOf(pid: string): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return []; // ended while we looked
  }
}

const stateOf = (pid: string): string | undefined => fieldsOf(pid)[0];
const parentOf = (pid: string): number | undefined => (fieldsOf(pid)[1] === undefined ? undefined : Number(fieldsOf(pid)[1]));
