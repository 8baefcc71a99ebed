import { readdirSync } from 'node:fs';

/** KCL 2.x is the default, 3.x can be chosen (docs/adr/0003). */
export type KclLine = 2 | 3;

const daemonJar = /^amazon-kinesis-client-multilang-(\d+)\..*\.jar$/;
const clientJar = /^amazon-kinesis-client-(\d+)\..*\.jar$/;

/**
 * The line of the jars in a folder: with no second setting the two cannot contradict each other.
 * Undefined unless it holds one daemon and one client, both of the same known line.
 */
export function kclLineOf(folder: string): KclLine | undefined {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return undefined;
  }
  const majors = (jar: RegExp): string[] => names.flatMap((name) => jar.exec(name)?.[1] ?? []);
  const found = [...majors(daemonJar), ...majors(clientJar)].join(' ');
  if (found === '2 2') return 2;
  return found === '3 3' ? 3 : undefined;
}
