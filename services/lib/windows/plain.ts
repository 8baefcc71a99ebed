import { WindowError } from './window-error.ts';

/** What state is made of: JSON, so that a snapshot can be read by the version before and after this one. */
export type Plain = null | boolean | number | string | readonly Plain[] | { readonly [name: string]: Plain };

/** Throws STATE_INVALID, with the path, for what JSON would silently change: NaN, infinities, −0, undefined, class instances. */
export function plainText(value: unknown): string {
  checkPlain(value, 'state');
  return JSON.stringify(value);
}

function checkPlain(value: unknown, path: string): void {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return;
  if (typeof value === 'number') {
    if (Number.isFinite(value) && !Object.is(value, -0)) return;
  } else if (Array.isArray(value)) {
    value.forEach((item, i) => checkPlain(item, `${path}[${i}]`));
    return;
  } else if (typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
    for (const [name, item] of Object.entries(value)) checkPlain(item, `${path}.${name}`);
    return;
  }
  throw new WindowError('STATE_INVALID', `${path} cannot be kept in a snapshot: ${describe(value)}`);
}

const describe = (value: unknown): string => (Object.is(value, -0) ? '-0' : typeof value === 'number' ? String(value) : typeof value);
