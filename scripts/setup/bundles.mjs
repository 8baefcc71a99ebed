import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { explain } from './failure.mjs';

/** Bundled packages written in CommonJS call require(); an ES module has none. */
const banner = "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);";

/** How services are bundled: one file that needs no packages, for the oldest Node they run on. @type {import('esbuild').BuildOptions} */
export const bundling = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  mainFields: ['module', 'main'],
  banner: { js: banner },
  logLevel: 'silent',
};

/**
 * Every folder of services/ with a main.ts is a deployable.
 * @param {string} root
 */
export function deployables(root) {
  const services = join(root, 'services');
  return readdirSync(services)
    .filter((name) => existsSync(join(services, name, 'main.ts')))
    .sort();
}

/**
 * dist/<service>/main.js for every service whose sources changed since its bundle was made (`force`: for all).
 * A bundle takes its place whole, its stamp comes last.
 * @param {string} root
 * @param {{force?: boolean}} [options]
 * @returns {Promise<{service: string, bytes: number, ms: number}[]>} the ones that were made
 */
export async function ensureBundles(root, options = {}) {
  const stale = deployables(root).filter((service) => options.force === true || !bundleIsFresh(root, service));
  try {
    return await Promise.all(stale.map((service) => bundle(root, service)));
  } catch (error) {
    throw explain(error, join(root, 'dist'));
  }
}

/** @param {string} root @param {string} service */
export function bundleIsFresh(root, service) {
  try {
    const stamp = JSON.parse(readFileSync(stampFile(root, service), 'utf8'));
    return (
      stamp.packages === packagesHash(root) && stamp.bytes === statSync(mainFile(root, service)).size && sameInputs(root, stamp.inputs)
    );
  } catch {
    return false;
  }
}

/** @param {string} root @param {Record<string, string>} inputs */
const sameInputs = (root, inputs) => Object.entries(inputs).every(([path, version]) => fileVersion(join(root, path)) === version);

/** @param {string} root @param {string} service */
async function bundle(root, service) {
  const { build } = await import('esbuild');
  const startedAt = performance.now();
  const versionsBefore = new Map(deployableSources(root).map((path) => [path, fileVersion(join(root, path))]));
  const result = await build({
    ...bundling,
    absWorkingDir: root,
    entryPoints: [`services/${service}/main.ts`],
    outfile: `dist/${service}/main.js`,
    sourcemap: 'linked',
    metafile: true,
    write: false,
  });
  const folder = join(root, 'dist', service);
  mkdirSync(folder, { recursive: true });
  rmSync(stampFile(root, service), { force: true });
  for (const file of result.outputFiles) replaceFile(file.path, file.contents);
  replaceFile(join(folder, 'package.json'), `${JSON.stringify({ name: service, private: true, type: 'module' })}\n`);
  const inputs = Object.keys(result.metafile.inputs).filter((path) => !path.startsWith('node_modules/'));
  const bytes = statSync(mainFile(root, service)).size;
  const stamp = {
    packages: packagesHash(root),
    bytes,
    // The version read before the build: a file saved while it ran makes the bundle stale, not fresh.
    inputs: Object.fromEntries(inputs.map((path) => [path, versionsBefore.get(path) ?? 'unknown'])),
  };
  replaceFile(stampFile(root, service), `${JSON.stringify(stamp)}\n`);
  return { service, bytes, ms: Math.round(performance.now() - startedAt) };
}

/** @param {string} root */
const deployableSources = (root) =>
  readdirSync(join(root, 'services'), { recursive: true })
    .map((path) => `services/${String(path)}`)
    .filter((path) => /\.(ts|json|sql)$/.test(path));

/** @param {string} file @param {string | Uint8Array} content */
function replaceFile(file, content) {
  const incoming = `${file}.${process.pid}`;
  try {
    writeFileSync(incoming, content);
    renameSync(incoming, file);
  } finally {
    rmSync(incoming, { force: true });
  }
}

/** @param {string} root @param {string} service */
const mainFile = (root, service) => join(root, 'dist', service, 'main.js');
/** @param {string} root @param {string} service */
const stampFile = (root, service) => join(root, 'dist', service, '.built.json');
/** @param {string} root */
const packagesHash = (root) =>
  createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');

/** Changes with any save. @param {string} file */
function fileVersion(file) {
  const { mtimeMs, size } = statSync(file);
  return `${mtimeMs}/${size}`;
}
