import { readFileSync, statfsSync } from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism, totalmem } from 'node:os';
import { jarSets, jarsAreThere } from '../setup/jars.mjs';
import { packagesAreThere } from '../setup/packages.mjs';
import { findJava, findProgram, javaRemedy, minJavaVersion, nodeIsSupported, nodeRemedy } from '../setup/prerequisites.mjs';

/** `need`: a command cannot run without it; `wish`: some tests are skipped, or things are slow. */
export interface Finding {
  readonly subject: string;
  readonly level: 'need' | 'wish';
  readonly ok: boolean;
  readonly found: string;
  /** How to get on; '' when ok. */
  readonly remedy: string;
}

const minFreeDiskBytes = 2e9;
/** Three JVMs of 200-440 MB, DynamoDB Local, PGlite and about ten Node processes. */
const minMemoryBytes = 4e9;

/** Looks only: installs and changes nothing. */
export async function examine(root: string, env: NodeJS.ProcessEnv): Promise<Finding[]> {
  return [...javaFindings(env), ...setUpFindings(root), ...toolFindings(env), ...machineFindings(root), await loopbackFinding()];
}

const finding = (level: Finding['level'], subject: string, ok: boolean, found: string, remedy: string): Finding => ({
  subject,
  level,
  ok,
  found,
  remedy: ok ? '' : remedy,
});

function javaFindings(env: NodeJS.ProcessEnv): Finding[] {
  const node = process.versions.node;
  const java = findJava(env);
  const javaOk = java !== undefined && java.major >= minJavaVersion && java.hasCompiler;
  const javaFound = java === undefined ? 'none on PATH' : `${java.version}${java.hasCompiler ? '' : ' without a compiler'} at ${java.path}`;
  const maven = findProgram('mvn', env);
  return [
    finding('need', 'Node', nodeIsSupported(node), node, nodeRemedy),
    finding('need', 'JDK', javaOk, javaFound, javaRemedy),
    finding('need', 'Maven', maven !== undefined, maven ?? 'none on PATH', javaRemedy),
  ];
}

function setUpFindings(root: string): Finding[] {
  const remedy = 'npm run setup';
  const { kcl, dynamodbLocal } = jarSets(root);
  const present = (ok: boolean): string => (ok ? 'complete' : 'missing or changed');
  return [
    finding('need', 'npm packages', packagesAreThere(root), present(packagesAreThere(root)), remedy),
    finding('need', 'KCL jars', jarsAreThere(kcl), present(jarsAreThere(kcl)), remedy),
    finding('need', 'DynamoDB Local jars', jarsAreThere(dynamodbLocal), present(jarsAreThere(dynamodbLocal)), remedy),
  ];
}

function toolFindings(env: NodeJS.ProcessEnv): Finding[] {
  const tool = (name: string, why: string): Finding => {
    const path = findProgram(name, env);
    return finding('wish', name, path !== undefined, path ?? 'none on PATH', `sudo apt-get install -y ${name}   (${why})`);
  };
  return [tool('strace', 'a test watches what the demo connects to'), tool('chromium', 'tests of the page')];
}

function machineFindings(root: string): Finding[] {
  const { bavail, bsize } = statfsSync(root);
  const free = bavail * bsize;
  const memory = availableMemory();
  const cores = availableParallelism();
  return [
    finding('need', 'disk', free >= minFreeDiskBytes, `${gigabytes(free)} free`, `Free ${gigabytes(minFreeDiskBytes)} where ${root} lies.`),
    finding(
      'wish',
      'memory',
      memory >= minMemoryBytes,
      `${gigabytes(memory)} available`,
      `The demo takes up to ${gigabytes(minMemoryBytes)}.`,
    ),
    finding('wish', 'cores', cores >= 2, String(cores), 'With one core the demo is slow to start.'),
  ];
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

/** Free memory does not count the cache that the kernel would give back. */
function availableMemory(): number {
  try {
    const kilobytes = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1];
    return kilobytes === undefined ? totalmem() : Number(kilobytes) * 1024;
  } catch {
    return totalmem();
  }
}

async function loopbackFinding(): Promise<Finding> {
  const error = await new Promise<Error | undefined>((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen(0, '127.0.0.1', () => server.close(() => resolve(undefined)));
  });
  const found = error === undefined ? '127.0.0.1 gives out free ports' : error.message;
  return finding(
    'need',
    'ports',
    error === undefined,
    found,
    'Every local part takes a free port of 127.0.0.1: allow this user to listen there.',
  );
}
