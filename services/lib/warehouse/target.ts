import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isLoopbackUrl } from '../process/config.ts';
import { ensureError, PlatformError } from '../process/errors.ts';
import type { Dialect } from './ddl.ts';

/** Where a warehouse is and who logs in, as its URL says. */
export interface Target {
  readonly dialect: Dialect;
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly login: FixedLogin | WorkgroupLogin;
  /** As it may be shown to anybody: without the password. */
  readonly shown: string;
}

interface FixedLogin {
  readonly kind: 'fixed';
  readonly user: string;
  readonly password?: string;
}

/** Redshift Serverless: a temporary login, under the credentials that AWS gives the process. */
export interface WorkgroupLogin {
  readonly kind: 'workgroup';
  readonly workgroup: string;
  /** A stand-in for the API; loopback. */
  readonly endpoint?: string;
}

const defaultPorts: Readonly<Record<Dialect, number>> = { redshift: 5439, postgres: 5432 };
const dialects: Readonly<Record<string, Dialect>> = { 'redshift:': 'redshift', 'postgres:': 'postgres', 'postgresql:': 'postgres' };
/** API reference of Redshift Serverless, CreateWorkgroup. */
const workgroupName = /^[a-z0-9-]{3,64}$/;
const parameters = new Set(['workgroup', 'endpoint']);

export const warehouseUrlForms =
  'postgres://user@host:port/database, redshift://host:5439/database?workgroup=NAME (Serverless, temporary login) or redshift://user:password@host:5439/database';

/** Throws CONFIG_INVALID with the URL, its password left out. */
export function parseTarget(text: string): Target {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const refuse = (why: string): never => {
    throw new PlatformError('CONFIG_INVALID', `WAREHOUSE_URL is ${shownUrl(url)}: ${why}`);
  };
  const dialect = dialects[url?.protocol ?? ''];
  if (url === undefined || dialect === undefined || url.hostname === '' || url.pathname.length < 2) {
    return refuse(`expected ${warehouseUrlForms}`);
  }
  const unknown = [...url.searchParams.keys()].find((name) => !parameters.has(name));
  if (unknown !== undefined) refuse(`parameter ${unknown} is not known; TLS is always verified, WAREHOUSE_CA_FILE names an authority`);
  return {
    dialect,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? defaultPorts[dialect] : Number(url.port),
    database: decodeURIComponent(url.pathname.slice(1)),
    login: loginOf(url, dialect, refuse),
    shown: shownUrl(url),
  };
}

function loginOf(url: URL, dialect: Dialect, refuse: (why: string) => never): Target['login'] {
  const workgroup = url.searchParams.get('workgroup');
  const endpoint = url.searchParams.get('endpoint');
  if (workgroup === null) {
    if (endpoint !== null) refuse('endpoint goes with workgroup');
    if (url.username === '' && dialect === 'redshift') refuse('it names neither a workgroup, for a temporary login, nor a user');
    const password = url.password === '' ? {} : { password: decodeURIComponent(url.password) };
    return { kind: 'fixed', user: decodeURIComponent(url.username) || 'postgres', ...password };
  }
  if (dialect !== 'redshift') refuse('workgroup is for redshift:// alone');
  if (url.username !== '') refuse('a workgroup has temporary logins: leave user and password out');
  if (!workgroupName.test(workgroup)) refuse('a workgroup has 3 to 64 of a-z, 0-9 and -');
  if (endpoint === null) return { kind: 'workgroup', workgroup };
  if (!isLoopbackUrl(endpoint) || !isLoopbackUrl(url.href)) refuse('endpoint is for a local stand-in: both must be on loopback');
  return { kind: 'workgroup', workgroup, endpoint };
}

function shownUrl(url: URL | undefined): string {
  if (url === undefined) return 'no URL';
  const shown = new URL(url);
  shown.password = '';
  return shown.href;
}

/** The authorities a server may be certified by, instead of Node's own list. Throws CONFIG_INVALID. */
export function readAuthorities(file: string): string {
  try {
    const pem = readFileSync(file, 'utf8');
    void new X509Certificate(pem);
    return pem;
  } catch (cause) {
    const why = ensureError(cause).message;
    throw new PlatformError('CONFIG_INVALID', `WAREHOUSE_CA_FILE is ${file}: expected a readable PEM file of certificates (${why})`, {
      cause,
    });
  }
}
