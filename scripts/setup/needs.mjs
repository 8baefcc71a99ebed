/**
 * What a command needs before it can run. `java`: `required` fails when Java, Maven or the jars cannot be had;
 * `optional` says so and goes on (tests that need them are skipped and counted).
 * @typedef {{packages: boolean, java: 'no' | 'optional' | 'required', bundles: boolean}} Needs
 */

/** @type {Record<string, Needs>} */
const special = {
  demo: { packages: true, java: 'required', bundles: true },
  setup: { packages: true, java: 'required', bundles: true },
  test: { packages: true, java: 'optional', bundles: true },
  verify: { packages: true, java: 'optional', bundles: true },
};

/**
 * All other commands run on Node alone. Asking for help never waits for Java.
 * @param {string} command
 * @param {readonly string[]} args
 * @returns {Needs}
 */
export function needsOf(command, args) {
  const asksForHelp = args.includes('--help') || args.includes('-h');
  const needs = special[command];
  return needs === undefined || asksForHelp ? { packages: true, java: 'no', bundles: false } : needs;
}
