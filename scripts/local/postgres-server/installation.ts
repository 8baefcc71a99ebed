import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export const postgresRemedy = 'sudo apt-get install -y postgresql';

/** Where initdb and postgres are: Debian keeps them off PATH. Undefined: no real PostgreSQL is installed. */
export function postgresFolder(): string | undefined {
  const debian = '/usr/lib/postgresql';
  const candidates = (process.env['PATH'] ?? '').split(delimiter);
  try {
    candidates.push(...readdirSync(debian).map((version) => join(debian, version, 'bin')));
  } catch {
    // not Debian's
  }
  return candidates.find((folder) => ['initdb', 'postgres'].every((name) => isExecutable(join(folder, name))));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
