import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { postgresFolder, postgresRemedy } from '../../scripts/local/postgres-server/installation.ts';
import { jarSets, jarsAreThere } from '../../scripts/setup/jars.mjs';
import { findJava, findProgram, minJavaVersion } from '../../scripts/setup/prerequisites.mjs';

/**
 * Parts of the machine that some tests need and a developer may lack. In CI (REQUIRE_ALL=1) a missing part is a failure,
 * but for those that test/optional.json names with the reason.
 */
interface PartOfMachine {
  readonly isThere: () => boolean;
  readonly install: string;
}

const root = fileURLToPath(new URL('../..', import.meta.url));

const program = (name: string, packageName: string): PartOfMachine => ({
  isThere: () => findProgram(name, process.env) !== undefined,
  install: `sudo apt-get install -y ${packageName}`,
});

const jdk = 'sudo apt-get install -y openjdk-17-jdk-headless maven';

/** S3 servers of other makers, the closest to S3 first. */
export const s3Programs = ['versitygw', 'moto_server'] as const;

const parts = {
  java: { isThere: () => (findJava(process.env)?.major ?? 0) >= minJavaVersion, install: jdk },
  maven: program('mvn', 'maven'),
  'kcl-jars': { isThere: () => jarsAreThere(jarSets(root).kcl), install: `${jdk} && npm run setup` },
  'kcl-3-jars': { isThere: () => jarsAreThere(jarSets(root).kcl3), install: `${jdk} && npm run setup -- --kcl 3` },
  'dynamodb-local': { isThere: () => jarsAreThere(jarSets(root).dynamodbLocal), install: `${jdk} && npm run setup` },
  chromium: program('chromium', 'chromium'),
  strace: program('strace', 'strace'),
  openssl: program('openssl', 'openssl'),
  postgres: { isThere: () => postgresFolder() !== undefined, install: postgresRemedy },
  linux: { isThere: () => process.platform === 'linux', install: 'run the tests on Linux' },
  root: { isThere: () => process.getuid?.() === 0, install: 'run the tests as root, in a container' },
  s3: {
    isThere: () => s3Programs.some((name) => findProgram(name, process.env) !== undefined),
    install:
      'sudo apt-get install -y python3-venv && python3 -m venv ~/moto && ~/moto/bin/pip install "moto[s3,server]==5.2.1" && PATH=$PATH:~/moto/bin',
  },
} as const satisfies Record<string, PartOfMachine>;

export type OptionalPart = keyof typeof parts;

/** Part to reason. */
type Optional = Readonly<Record<string, string>>;
const optionalInCi = JSON.parse(readFileSync(join(root, 'test', 'optional.json'), 'utf8')) as Optional;

/**
 * Call first in a test or a before hook: skips it with a line that says how to get the part, or fails it under
 * REQUIRE_ALL=1.
 */
export function requirePart(context: Mocha.Context, part: OptionalPart, optional: Optional = optionalInCi): void {
  const { isThere, install } = parts[part];
  if (isThere()) return;
  const title = context.currentTest?.fullTitle() ?? context.test?.fullTitle() ?? 'a test';
  if (process.env['REQUIRE_ALL'] === '1' && !(part in optional)) {
    throw new Error(`${part} is missing and REQUIRE_ALL=1 allows no skipping; to get it: ${install}`);
  }
  process.stderr.write(`SKIPPED ${title}: ${part} is missing; to get it: ${install}\n`);
  context.skip();
}
