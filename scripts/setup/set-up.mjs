import { join } from 'node:path';
import { deployables, ensureBundles } from './bundles.mjs';
import { SetupFailure } from './failure.mjs';
import { ensureJars, jarSets } from './jars.mjs';
import { withLock } from './lock.mjs';
import { ensurePackages } from './packages.mjs';
import { checkJava, checkNode } from './prerequisites.mjs';

/**
 * Makes the work tree ready for a command: packages, jars, bundles. With nothing to do it only looks at names and sizes.
 * @param {{root: string, needs: import('./needs.mjs').Needs, report: import('./progress.mjs').Report, env?: NodeJS.ProcessEnv}} options
 */
export async function setUp({ root, needs, report, env = process.env }) {
  checkNode(process.versions.node);
  // Said before anything is installed: who lacks Java should not wait for npm first.
  const java = needs.java === 'no' ? false : javaIsUsable(needs, report, env);
  await withLock(join(root, '.run', 'set-up.lock'), report, async () => {
    const jars = java ? ensureAllJars(root, needs, report, env) : Promise.resolve();
    const packages = needs.packages ? ensurePackages(root, report) : Promise.resolve();
    // Both to their end, then the first failure: a tool still writing after the message would confuse.
    for (const result of await Promise.allSettled([jars, packages])) if (result.status === 'rejected') throw result.reason;
    if (needs.bundles) await ensureReportedBundles(root, report);
  });
}

/** @param {import('./needs.mjs').Needs} needs @param {import('./progress.mjs').Report} report @param {NodeJS.ProcessEnv} env */
function javaIsUsable(needs, report, env) {
  try {
    checkJava(env);
    return true;
  } catch (error) {
    if (needs.java === 'required') throw error;
    reportWithout(error, report);
    return false;
  }
}

/** @param {string} root @param {import('./needs.mjs').Needs} needs @param {import('./progress.mjs').Report} report @param {NodeJS.ProcessEnv} env */
async function ensureAllJars(root, needs, report, env) {
  const { kcl, kcl3, dynamodbLocal } = jarSets(root);
  try {
    await ensureJars(kcl, report, env);
    if (needs.kcl3) await ensureJars(kcl3, report, env);
    await ensureJars(dynamodbLocal, report, env);
  } catch (error) {
    if (needs.java === 'required') throw error;
    reportWithout(error, report);
  }
}

/** @param {unknown} error @param {import('./progress.mjs').Report} report */
function reportWithout(error, report) {
  if (!(error instanceof SetupFailure)) throw error;
  report(`going on without the Java parts: ${error.message}\n${error.remedy}`);
}

/** @param {string} root @param {import('./progress.mjs').Report} report */
async function ensureReportedBundles(root, report) {
  const startedAt = performance.now();
  const made = await ensureBundles(root);
  if (made.length > 0)
    report(`bundled ${made.length} of ${deployables(root).length} services in ${Math.round(performance.now() - startedAt)} ms`);
}
