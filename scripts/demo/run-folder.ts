import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** Where one run leaves what it writes. */
export interface RunFolder {
  readonly path: string;
  /** For short-lived files and sockets, whose path must be short. */
  readonly temporary: string;
  /** Keeps `path` whatever comes. */
  keep(): void;
  /** Removes `temporary`, and `path` unless it is to be kept. Synchronous, so that an exit handler may call it; more than once is fine. */
  remove(): void;
}

const prefixes = ['travelbuddy-', 'tb-'];
/** Holds the id of the process whose folder it is, until the folder is to be kept. */
const ownerFile = 'owner';

/** Removes what runs that were killed outright have left in the system's temporary folder; what a run kept on purpose has no owner. */
export function sweepDeadRuns(place: string = tmpdir()): void {
  for (const name of readdirSync(place).filter((entry) => prefixes.some((prefix) => entry.startsWith(prefix)))) {
    const owner = join(place, name, ownerFile);
    if (existsSync(owner) && !isAlive(Number(readFileSync(owner, 'utf8')))) rmSync(join(place, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function ownFolder(prefix: string): string {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  writeFileSync(join(folder, ownerFile), String(process.pid));
  return folder;
}

/** A fresh folder: `keepDir`, which must be new or empty, or a temporary one, with room for the run. Throws what is in the way, and the remedy. */
export function createRunFolder(keepDir: string | undefined, neededBytes: number): RunFolder {
  sweepDeadRuns();
  if (keepDir !== undefined) mkdirSync(keepDir, { recursive: true });
  const place = resolve(keepDir ?? tmpdir());
  if (keepDir !== undefined && readdirSync(place).length > 0) {
    throw new Error(`${place} is not empty: a run starts in a fresh folder, give --keep a new one`);
  }
  const free = freeBytes(place);
  if (free < neededBytes) {
    throw new Error(`${place} has ${megabytes(free)} left and this run needs about ${megabytes(neededBytes)}: ${makeRoom}`);
  }
  const path = keepDir === undefined ? ownFolder('travelbuddy-') : place;
  const temporary = ownFolder('tb-');
  let kept = keepDir !== undefined;
  return {
    path,
    temporary,
    keep: () => {
      kept = true;
      rmSync(join(path, ownerFile), { force: true });
    },
    remove: () => {
      rmSync(temporary, { recursive: true, force: true });
      if (!kept) rmSync(path, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

const makeRoom = 'free some disk space, or give --keep a new folder on another disk';
const fullBelowBytes = 16 * 1_048_576;

/** What to do when a run failed because its disk is full; undefined when that is not why. */
export function diskFullRemedy(path: string): string | undefined {
  const free = freeBytes(path);
  return free < fullBelowBytes ? `the disk of ${path} is full (${megabytes(free)} left): ${makeRoom}` : undefined;
}

/** What a process without special rights may still use. */
function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}

const megabytes = (bytes: number): string => `${Math.round(bytes / 1_048_576).toLocaleString('en-US')} MB`;
