import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JarSet } from '../../../scripts/setup/jars.mjs';

/** Contents of the jars that the committed sums of a test describe. */
export const jars: Readonly<Record<string, string>> = { 'a-1.jar': 'first jar', 'b-2.jar': 'second jar', 'c.so': 'library' };

/** A set of jars in `folder` whose sums are those of `jars`. */
export function jarSetIn(folder: string, bytesNeeded = 1_000): JarSet {
  const source = join(folder, 'source');
  mkdirSync(source, { recursive: true });
  const sum = (text: string): string => createHash('sha256').update(text).digest('hex');
  writeFileSync(join(source, 'pom.xml'), '<project/>');
  writeFileSync(
    join(source, 'SHA256SUMS'),
    Object.entries(jars)
      .map(([file, text]) => `${sum(text)}  ${file}\n`)
      .join(''),
  );
  return {
    name: 'some',
    pom: join(source, 'pom.xml'),
    sums: join(source, 'SHA256SUMS'),
    folder: join(folder, '.jars', 'some'),
    bytesNeeded,
  };
}

/**
 * An environment whose `mvn` is a shell script that knows the output folder as $out and runs `body`; it leaves a line in
 * `calls` each time.
 */
export function fakeMaven(folder: string, body: string): { env: NodeJS.ProcessEnv; calls: string } {
  const bin = join(folder, 'bin');
  const calls = join(folder, 'calls');
  mkdirSync(bin, { recursive: true });
  const script = `#!/bin/sh
for argument in "$@"; do case "$argument" in -DoutputDirectory=*) out="\${argument#*=}" ;; esac; done
echo called >> '${calls}'
mkdir -p "$out"
${body}
`;
  writeFileSync(join(bin, 'mvn'), script);
  chmodSync(join(bin, 'mvn'), 0o755);
  return { env: { PATH: `${bin}:/usr/bin:/bin` }, calls };
}

const write = ([file, text]: readonly [string, string]): string => `printf '%s' '${text}' > "$out/${file}"`;
export const deliverAll = Object.entries(jars).map(write).join('\n');
export const deliverFirst = Object.entries(jars).slice(0, 1).map(write).join('\n');
