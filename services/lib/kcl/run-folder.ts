import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { createConnection } from 'node:net';
import os from 'node:os';
import path from 'node:path';

const prefix = 'kcl-launcher-';
/** A younger folder may be one whose launcher does not listen yet. */
const minStaleAgeMs = 10_000;

/** Where the launcher of a run folder listens for its children. */
export const linkPathOf = (folder: string): string => path.join(folder, 'link');

/**
 * Makes a folder that only this user may enter, for the child link and the daemon's files; it goes when this process exits.
 * Those that killed launchers have left go now. In the system's temporary folder, since a socket's path must be short.
 */
export async function makeRunFolder(parent: string = os.tmpdir()): Promise<string> {
  await removeStale(parent);
  const folder = mkdtempSync(path.join(parent, prefix)); // mode 0700
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function removeStale(parent: string): Promise<void> {
  const names = (await readdir(parent)).filter((name) => name.startsWith(prefix));
  for (const folder of names.map((name) => path.join(parent, name))) {
    // One that cannot be removed must not stop a start.
    if (await isStale(folder)) await rm(folder, { recursive: true, force: true }).catch(() => {});
  }
}

async function isStale(folder: string): Promise<boolean> {
  try {
    if (Date.now() - (await stat(folder)).mtimeMs < minStaleAgeMs) return false;
  } catch {
    return false; // gone meanwhile
  }
  return nobodyListens(linkPathOf(folder));
}

/** Asks the socket and not for a process: a container that shares the folder has process ids of its own. */
function nobodyListens(link: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(link);
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED' || error.code === 'ENOENT'));
  });
}
