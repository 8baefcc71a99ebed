import { spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync, realpathSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { SetupFailure } from './failure.mjs';

/** KCL needs 8, DynamoDB Local 17 (its class files are version 61). */
export const minJavaVersion = 17;

export const javaRemedy = [
  'Install a JDK 17 or newer, and Maven:',
  '  Debian, Ubuntu   sudo apt-get install -y openjdk-17-jdk-headless maven',
  '  Fedora           sudo dnf install java-21-openjdk-devel maven-openjdk21',
  '  macOS            brew install openjdk@21 maven   (then follow its note on PATH)',
].join('\n');

export const nodeRemedy = 'Install Node 20.19 or newer, or 22, for example with your version manager (nvm install 22).';

/** @param {string} version such as 20.20.2 */
export function nodeIsSupported(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return (major === 20 && minor >= 19) || (major > 20 && major < 24);
}

/** @param {string} version */
export function checkNode(version) {
  if (!nodeIsSupported(version)) throw new SetupFailure(`Node ${version} cannot run this, it needs >=20.19 <24`, nodeRemedy);
}

/**
 * Where a program would be found, without starting it.
 * @param {string} program
 * @param {NodeJS.ProcessEnv} env
 * @returns {string | undefined}
 */
export function findProgram(program, env) {
  for (const folder of (env['PATH'] ?? '').split(delimiter)) {
    if (folder === '') continue;
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) return path;
    } catch {
      // not here: look in the next folder
    }
  }
  return undefined;
}

/**
 * @typedef {{path: string, version: string, major: number, hasCompiler: boolean}} Java
 * @param {NodeJS.ProcessEnv} env
 * @returns {Java | undefined} undefined: no java, or one that does not start
 */
export function findJava(env) {
  const path = findProgram('java', env);
  if (path === undefined) return undefined;
  const home = dirname(dirname(realpathSync(path)));
  const version = versionInReleaseFile(home) ?? versionByAsking(path);
  if (version === undefined) return undefined;
  const hasCompiler = findProgram('javac', { PATH: join(home, 'bin') }) !== undefined;
  return { path, version, major: Number(/^(?:1\.)?(\d+)/.exec(version)?.[1] ?? 0), hasCompiler };
}

/** Reading the file takes no time; starting a JVM to ask takes a quarter of a second. @param {string} home */
function versionInReleaseFile(home) {
  try {
    return /^JAVA_VERSION="([^"]+)"/m.exec(readFileSync(join(home, 'release'), 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}

/** @param {string} path */
function versionByAsking(path) {
  const answer = spawnSync(path, ['-version'], { encoding: 'utf8', timeout: 20_000 });
  return answer.status === 0 ? /version "([^"]+)"/.exec(answer.stderr)?.[1] : undefined;
}

/** @param {NodeJS.ProcessEnv} env */
export function checkJava(env) {
  const java = findJava(env);
  if (java === undefined) throw new SetupFailure('Java is missing: no java that starts was found on PATH', javaRemedy);
  if (java.major < minJavaVersion)
    throw new SetupFailure(`Java ${java.version} at ${java.path} is too old, ${minJavaVersion} is needed`, javaRemedy);
  if (!java.hasCompiler) throw new SetupFailure(`${java.path} is a Java runtime without a compiler, a JDK is needed`, javaRemedy);
  return java;
}

/** @param {NodeJS.ProcessEnv} env */
export function checkMaven(env) {
  const maven = findProgram('mvn', env);
  if (maven === undefined)
    throw new SetupFailure('Maven is missing: mvn was not found on PATH, and the jars are not fetched yet', javaRemedy);
  return maven;
}
