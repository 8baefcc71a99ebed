/**
 * Progress of set-up, on stderr: data belongs to stdout alone.
 * @typedef {(line: string) => void} Report
 */

/** @type {Report} */
export const reportOnStderr = (line) => {
  process.stderr.write(`set-up: ${line}\n`);
};

/**
 * Runs one step and reports how long it took.
 * @template T
 * @param {Report} report
 * @param {string} doing
 * @param {() => Promise<T>} step
 * @returns {Promise<T>}
 */
export async function timed(report, doing, step) {
  report(`${doing} ...`);
  const startedAt = performance.now();
  const result = await step();
  report(`${doing}: done in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  return result;
}
