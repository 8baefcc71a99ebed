/**
 * What a command needs before it can run. `java`: `required` fails when Java, Maven or the jars cannot be had;
 * `optional` says so and goes on (tests that need them are skipped and counted).
 * `kcl3`: the jars of KCL 3.x too.
 * @typedef {{packages: boolean, java: 'no' | 'optional' | 'required', bundles: boolean, kcl3?: boolean}} Needs
 */

/** @type {Record<string, Needs>} */
const special = {
  demo: { packages: true, java: 'required', bundles: true },
  drill: { packages: true, java: 'required', bundles: true },
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
  if (needs === undefined || asksForHelp) return { packages: true, java: 'no', bundles: false };
  return asksForKcl3(args) ? { ...needs, kcl3: true } : needs;
}

/** `--kcl 3`: the command itself reads and checks its flags later. @param {readonly string[]} args */
const asksForKcl3 = (args) => args.includes('--kcl=3') || args.some((arg, i) => arg === '--kcl' && args[i + 1] === '3');
