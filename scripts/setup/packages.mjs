import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SetupFailure } from './failure.mjs';
import { findProgram } from './prerequisites.mjs';
import { timed } from './progress.mjs';
import { runTool } from './run-tool.mjs';

const remedy = 'Check that npm reaches its registry (npm ping) and that the disk has 1 GB free, then run the command again.';

/**
 * node_modules as package-lock.json says. npm writes node_modules/.package-lock.json when, and only when, it has
 * finished: it is missing after an install that was killed half-way.
 * @param {string} root
 * @param {import('./progress.mjs').Report} report
 */
export async function ensurePackages(root, report) {
  if (packagesAreThere(root)) return;
  await timed(report, 'installing npm packages', () => install(root));
  writeStamp(root);
}

/** @param {string} root */
export function packagesAreThere(root) {
  const installed = readInstalled(root);
  if (installed === undefined) return false;
  for (const [path, entry] of Object.entries(installed)) {
    if (entry.link !== true && !existsSync(join(root, path, 'package.json'))) return false;
  }
  if (readText(stampFile(root)) === lockHash(root)) return true;
  // A developer's own `npm install` leaves the right packages without our stamp.
  if (!matches(installed, root)) return false;
  writeStamp(root);
  return true;
}

/**
 * @typedef {{version?: string, integrity?: string, optional?: boolean, link?: boolean}} Entry
 * @param {string} root
 * @returns {Record<string, Entry> | undefined}
 */
function readInstalled(root) {
  return readPackages(join(root, 'node_modules', '.package-lock.json'));
}

/**
 * @param {string} file
 * @returns {Record<string, Entry> | undefined}
 */
function readPackages(file) {
  const text = readText(file);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text).packages;
  } catch {
    return undefined;
  }
}

/**
 * @param {Record<string, Entry>} installed
 * @param {string} root
 */
function matches(installed, root) {
  const wanted = readPackages(join(root, 'package-lock.json')) ?? {};
  for (const [path, entry] of Object.entries(wanted)) {
    const actual = installed[path];
    if (path === '' || (actual === undefined && entry.optional === true)) continue;
    if (actual === undefined || actual.version !== entry.version || actual.integrity !== entry.integrity) return false;
  }
  return Object.keys(installed).every((path) => path in wanted);
}

/**
 * What `npm ci` does, which refuses a lock file that does not name the binaries of every other platform: not every
 * registry serves those. Their parents pin them to one version, so what is installed is the same.
 * @param {string} root
 */
async function install(root) {
  // What an install that was killed has half extracted looks installed to npm.
  await rm(join(root, 'node_modules'), { recursive: true, force: true });
  const args = ['install', '--no-save', '--include=dev', '--no-progress', '--no-fund', '--no-audit'];
  const npmScript = process.env['npm_execpath'];
  if (npmScript?.endsWith('.js')) return runTool(process.execPath, [npmScript, ...args], { cwd: root, remedy });
  const npm = findProgram('npm', process.env);
  if (npm === undefined)
    throw new SetupFailure(
      'npm was not found on PATH',
      'Install npm (Debian, Ubuntu: sudo apt-get install -y npm) and run the command again.',
    );
  return runTool(npm, args, { cwd: root, remedy });
}

/** @param {string} root */
const stampFile = (root) => join(root, 'node_modules', '.lock-hash');
/** @param {string} root */
const lockHash = (root) =>
  createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
/** @param {string} root */
const writeStamp = (root) => writeFileSync(stampFile(root), lockHash(root));

/** @param {string} file */
function readText(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
