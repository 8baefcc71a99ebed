/** Every command there is: `npm run help` shows this table, a test holds it against package.json. */
export const commands: Readonly<Record<string, string>> = {
  demo: 'the whole pipeline on this machine: bookings become alerts and warehouse rows, judged at the end',
  test: 'all tests',
  verify: 'what a change must pass: format, lint, types, dead code, tests',
  generate: 'seeded booking traffic with planted fraud, to a file or a local stream',
  kinesis: 'the local Kinesis alone',
  backtest: 'fraud rules over a file of booking events: what would they have raised, and what would a change change',
  'rules:publish': 'fraud rules into force without a deploy, what that would change, back again, and the kill switch',
  replay: 'dead letters back to their stream',
  alerts: 'stored fraud alerts: list, show with evidence, export, release what was withheld',
  unlock: 'an account that an alert locked, with a record of who and why',
  conformance:
    'statements of the Kinesis API reference, against the local Kinesis, another one or AWS; cases of window semantics, against the library',
  drill: 'faults on the running services, each after the last was recovered from, judged at the end',
  sim: 'state and loader among simulated processes that die at any await, by seed; bugs planted to see that they are found',
  bench: 'figures beside their peers',
  doctor: 'what this machine has, lacks, and how to get it',
  setup: 'packages, jars and bundles; every command does this by itself',
  build: 'bundles of the services in dist/',
  contracts: 'JSON Schemas of docs/contracts from their source',
  docs: 'generated pages of docs/ from their source',
  help: 'this list',
};
