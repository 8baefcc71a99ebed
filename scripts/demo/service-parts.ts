import { basename } from 'node:path';
import { commandOf, descendantsOf } from './process-tree.ts';

/** The processes of a consumer below its launcher (Linux). */
export interface ServiceParts {
  /** Undefined while the launcher is between two daemons. */
  readonly jvm: number | undefined;
  /** One a shard, as the daemon has started them. */
  readonly children: readonly number[];
}

/** By command line: `java … MultiLangDaemon …` and `node … child` (services/lib/kcl). */
export function partsOf(launcher: number): ServiceParts {
  const below = descendantsOf(launcher).map((pid) => ({ pid, command: commandOf(pid) }));
  // The guard beside the JVM is a shell with the same words behind its own.
  const isJvm = ([program = '', ...words]: readonly string[]): boolean =>
    basename(program) === 'java' && words.some((word) => word.endsWith('.MultiLangDaemon'));
  const isChild = (command: readonly string[]): boolean => basename(command[0] ?? '') === 'node' && command.at(-1) === 'child';
  return {
    jvm: below.find(({ command }) => isJvm(command))?.pid,
    children: below.filter(({ command }) => isChild(command)).map(({ pid }) => pid),
  };
}
