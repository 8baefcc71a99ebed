import { createHash } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { diskFullFailure, explain, SetupFailure } from './failure.mjs';
import { checkMaven } from './prerequisites.mjs';
import { timed } from './progress.mjs';
import { runTool } from './run-tool.mjs';

/** Pinned: without a version Maven takes whatever its own release came with. */
const copyGoal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';

/**
 * A set of jars: what Maven resolves from `pom` must be exactly the files that `sums` lists.
 * @typedef {{name: string, pom: string, sums: string, folder: string, bytesNeeded: number}} JarSet
 */

/**
 * @param {string} root
 * @returns {{kcl: JarSet, kcl3: JarSet, dynamodbLocal: JarSet}} kcl: the line that is the default; kcl3: fetched only when asked for
 */
export function jarSets(root) {
  const set = (/** @type {string} */ name, /** @type {string} */ source, /** @type {number} */ bytesNeeded) => ({
    name,
    pom: join(root, source, 'pom.xml'),
    sums: join(root, source, 'SHA256SUMS'),
    folder: join(root, '.jars', name),
    bytesNeeded,
  });
  return {
    kcl: set('kcl', 'services/lib/kcl/java/2', 100_000_000),
    kcl3: set('kcl-3', 'services/lib/kcl/java/3', 110_000_000),
    dynamodbLocal: set('dynamodb-local', 'scripts/local/dynamodb/java', 70_000_000),
  };
}

/**
 * Makes `set.folder` hold exactly the verified jars. They are fetched beside it and take its place only once they are
 * whole, so that a folder without a stamp, or a stamp that does not fit, is never trusted.
 * @param {JarSet} set
 * @param {import('./progress.mjs').Report} report
 * @param {NodeJS.ProcessEnv} [env]
 */
export async function ensureJars(set, report, env = process.env) {
  if (jarsAreThere(set)) return;
  if (existsSync(set.folder) && (await differences(set, set.folder)).length === 0) {
    writeStamp(set);
    return;
  }
  const maven = checkMaven(env);
  const parent = dirname(set.folder);
  const incoming = join(parent, `.incoming-${set.name}-${process.pid}`);
  const removeIncoming = () => rmSync(incoming, { recursive: true, force: true });
  process.once('exit', removeIncoming);
  try {
    mkdirSync(parent, { recursive: true });
    removeLeftOvers(parent, set.name);
    checkSpace(parent, set.bytesNeeded);
    await timed(report, `fetching the ${set.name} jars`, () => fetchJars(set, maven, incoming, env));
    rmSync(stampFile(set), { force: true });
    rmSync(set.folder, { recursive: true, force: true });
    renameSync(incoming, set.folder);
    writeStamp(set);
  } catch (error) {
    throw explain(error, parent);
  } finally {
    process.off('exit', removeIncoming);
    removeIncoming();
  }
}

/**
 * Cheap enough for every start: the stamp belongs to the committed sums, and names and sizes are still the verified ones.
 * @param {JarSet} set
 */
export function jarsAreThere(set) {
  try {
    const stamp = JSON.parse(readFileSync(stampFile(set), 'utf8'));
    if (stamp.sums !== hashOfSums(set)) return false;
    return JSON.stringify(sizes(set.folder)) === JSON.stringify(stamp.sizes);
  } catch {
    return false;
  }
}

/**
 * @param {JarSet} set
 * @param {string} maven
 * @param {string} folder
 * @param {NodeJS.ProcessEnv} env
 */
async function fetchJars(set, maven, folder, env) {
  const args = ['-q', '-B', '-f', set.pom, copyGoal, '-DincludeScope=runtime', `-DoutputDirectory=${folder}`];
  const remedy = 'Check that Maven reaches its repository and that the disk has space, then run the command again.';
  try {
    await runTool(maven, args, { cwd: dirname(set.pom), env, remedy });
  } catch (error) {
    throw explain(error, dirname(folder));
  }
  const wrong = await differences(set, folder);
  if (wrong.length > 0) {
    throw new SetupFailure(
      `the ${set.name} jars that Maven delivered are not the ones this project was tested with:\n  ${wrong.join('\n  ')}`,
      "Nothing of them was kept. Delete these artifacts from Maven's local repository (~/.m2/repository) and run the command again.\n" +
        'If it happens again, do not trust the repository that Maven fetches from.',
    );
  }
}

/**
 * What differs between a folder and the committed sums, one line each; empty: they are the same.
 * @param {JarSet} set
 * @param {string} folder
 */
async function differences(set, folder) {
  const expected = readSums(set.sums);
  const actual = new Set(existsSync(folder) ? readdirSync(folder) : []);
  const wrong = [];
  for (const [file, sum] of expected) {
    if (!actual.delete(file)) wrong.push(`${file} is missing`);
    else if ((await sha256(join(folder, file))) !== sum) wrong.push(`${file} has another SHA-256 than ${basename(set.sums)} says`);
  }
  for (const file of actual) wrong.push(`${file} is not expected`);
  return wrong;
}

/** @param {string} file as sha256sum writes it */
function readSums(file) {
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  return new Map(lines.map((line) => /** @type {[string, string]} */ ([line.slice(66), line.slice(0, 64)])));
}

/** @param {string} file */
async function sha256(file) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/** @param {JarSet} set */
const stampFile = (set) => `${set.folder}.verified.json`;
/** @param {JarSet} set */
const hashOfSums = (set) => createHash('sha256').update(readFileSync(set.sums)).digest('hex');

/** @param {JarSet} set */
function writeStamp(set) {
  const incoming = `${stampFile(set)}.${process.pid}`;
  writeFileSync(incoming, `${JSON.stringify({ sums: hashOfSums(set), sizes: sizes(set.folder) })}\n`);
  renameSync(incoming, stampFile(set));
}

/** @param {string} folder */
function sizes(folder) {
  return Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map((file) => [file, statSync(join(folder, file)).size]),
  );
}

/** What set-ups that were killed have left. @param {string} parent @param {string} name */
function removeLeftOvers(parent, name) {
  for (const entry of readdirSync(parent)) {
    if (entry.startsWith(`.incoming-${name}-`)) rmSync(join(parent, entry), { recursive: true, force: true });
  }
}

/** @param {string} folder @param {number} bytes */
function checkSpace(folder, bytes) {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  if (free < bytes) throw diskFullFailure(folder, `: ${Math.floor(free / 1e6)} MB are free, these jars need ${Math.ceil(bytes / 1e6)} MB`);
}
