import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PGlite } from '@electric-sql/pglite';

/**
 * Makes `dataDir` an empty database unless it is one already. Making one from nothing takes 5 CPU seconds, a copy 0.2:
 * so it is made once per PGlite version, in `cacheDir`, and copied from there.
 */
export async function prepareDataFolder(dataDir: string, cacheDir: string): Promise<void> {
  if (existsSync(join(dataDir, 'PG_VERSION'))) return;
  const template = join(cacheDir, `pglite-${pgliteVersion()}`);
  if (!existsSync(template)) await makeTemplate(template);
  cpSync(template, dataDir, { recursive: true });
}

/** Takes its place only when it is complete. Two processes may do this at once: either result is as good. */
async function makeTemplate(template: string): Promise<void> {
  const incoming = `${template}.incoming-${process.pid}`;
  rmSync(incoming, { recursive: true, force: true });
  mkdirSync(dirname(template), { recursive: true });
  try {
    const db = await PGlite.create({ dataDir: incoming });
    await db.close();
    renameSync(incoming, template);
  } catch (error) {
    if (!existsSync(template)) throw error;
  } finally {
    rmSync(incoming, { recursive: true, force: true });
  }
}

/** Its package.json cannot be imported by name: the package does not export it. */
function pgliteVersion(): string {
  const entry = fileURLToPath(import.meta.resolve('@electric-sql/pglite'));
  const { version } = JSON.parse(readFileSync(join(dirname(dirname(entry)), 'package.json'), 'utf8')) as { version: string };
  return version;
}
