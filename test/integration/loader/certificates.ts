import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Session } from '../../../services/lib/warehouse/database.ts';

export interface Issued {
  readonly cert: string;
  readonly key: string;
}

export interface Authority {
  /** PEM file. */
  readonly caFile: string;
  /** A server certificate for these names, such as `IP:127.0.0.1`. */
  readonly issue: (name: string, options: { readonly names: string; readonly days?: number }) => Issued;
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** Made by openssl in a folder that the caller removes. */
export function createAuthority(folder: string): Authority {
  const file = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  chmodSync(folder, 0o711); // the server runs as `nobody` under root
  openssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=Test authority', '-days', '2');
  return {
    caFile: file('ca.pem'),
    issue(name, { names, days = 2 }) {
      writeFileSync(file(`${name}.ext`), `subjectAltName=${names}\n`);
      openssl('req', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
      const signer = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', `${name}.ext`];
      openssl('x509', '-req', '-in', `${name}.csr`, ...signer, '-days', String(days), '-out', `${name}.pem`);
      return { cert: file(`${name}.pem`), key: file(`${name}.key`) };
    },
  };
}

/** PostgreSQL takes the certificate at once; sessions that are open keep theirs. `admin` is a superuser without TLS. */
export async function serveTls(admin: Session, { cert, key }: Issued): Promise<void> {
  // It takes a key of no other user than its own.
  if (process.getuid?.() === 0) for (const file of [cert, key]) chownSync(file, 65_534, 65_534);
  for (const [name, value] of [
    ['ssl_cert_file', cert],
    ['ssl_key_file', key],
    ['ssl', 'on'],
  ]) {
    await admin.query(`ALTER SYSTEM SET ${name} = '${value}'`);
  }
  await reload(admin);
}

/** Lines of pg_hba.conf before those that are there. */
export async function authenticate(admin: Session, lines: readonly string[]): Promise<void> {
  const { rows } = await admin.query('SHOW hba_file');
  const file = String(rows[0]?.['hba_file']);
  writeFileSync(file, `${lines.join('\n')}\n${readFileSync(file, 'utf8')}`);
  await reload(admin);
}

/** The reload is a signal: done when its time is newer. The postmaster is done with it before it takes another session. */
async function reload(admin: Session): Promise<void> {
  const loaded = async (): Promise<string> => String((await admin.query('SELECT CAST(pg_conf_load_time() AS TEXT) AS at')).rows[0]?.['at']);
  const before = await loaded();
  await admin.query('SELECT pg_reload_conf()');
  while ((await loaded()) === before) await new Promise((resolve) => setTimeout(resolve, 5));
}
