import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SetupFailure } from './failure.mjs';

const pollMs = 250;
const waitLimitMs = 15 * 60_000;

/**
 * Lets one set-up at a time change the work tree. A lock whose owner is dead is taken over.
 * @template T
 * @param {string} file
 * @param {import('./progress.mjs').Report} report
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(file, report, work) {
  mkdirSync(dirname(file), { recursive: true });
  const deadline = Date.now() + waitLimitMs;
  let told = false;
  while (!tryLock(file)) {
    const owner = ownerOf(file);
    if (owner !== undefined && !isAlive(owner)) {
      removeStale(file, owner);
      continue;
    }
    if (!told) report(`waiting for another set-up (process ${owner ?? 'unknown'}) to finish`);
    told = true;
    if (Date.now() > deadline)
      throw new SetupFailure(
        `another set-up has held ${file} for too long`,
        `If none is running, delete ${file} and run the command again.`,
      );
    await delay(pollMs);
  }
  const release = () => rmSync(file, { force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.off('exit', release);
    release();
  }
}

/** A link either appears with its content or fails: nobody ever reads a lock without its owner. @param {string} file */
function tryLock(file) {
  const own = `${file}.${process.pid}`;
  writeFileSync(own, String(process.pid));
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
}

/** Only the lock of that owner: two may find it dead at once, and the second must not remove the lock that the first made. @param {string} file @param {number} dead */
function removeStale(file, dead) {
  const taken = `${file}.stale.${process.pid}`;
  try {
    renameSync(file, taken);
    if (ownerOf(taken) !== dead) linkSync(taken, file);
  } catch {
    // somebody else was first
  } finally {
    rmSync(taken, { force: true });
  }
}

/** @param {string} file */
function ownerOf(file) {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
