import { readFile, writeFile } from 'node:fs/promises';

const root = new URL('../../', import.meta.url);

/**
 * Writes files that are generated from code (path below the repository's root → content), or with `check` only compares them:
 * then a difference makes the exit code 1. `command`: what a person runs to write them.
 */
export async function keepGenerated(command: string, files: ReadonlyMap<string, string>, check: boolean): Promise<void> {
  for (const [path, content] of files) {
    const committed = await readFile(new URL(path, root), 'utf8').catch(() => '');
    if (committed === content) process.stderr.write(`${path} is up to date\n`);
    else if (check) {
      process.exitCode = 1;
      process.stderr.write(`${path} differs from the code: run \`${command}\` and commit the result\n`);
    } else {
      await writeFile(new URL(path, root), content);
      process.stderr.write(`${path} written\n`);
    }
  }
}
