import type { Service } from '../operations/call.ts';
import { InvalidInput } from './problems.ts';

/** What a page of the side endpoint works on. */
export interface SideCall {
  readonly service: Service;
  readonly query: URLSearchParams;
  /** The last part of the path, where the route has one. */
  readonly id: string;
  /** The body as JSON; throws InvalidInput when it is none. */
  readonly json: () => unknown;
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below /_local/; a trailing `*` stands for one id. */
  readonly path: string;
  readonly what: string;
  readonly example?: string;
  /** Status, default 200. */
  readonly status?: number;
  readonly answer: (call: SideCall) => Readonly<Record<string, unknown>>;
}

/** A thing that is asked for by name and is not there: 404. */
export class NotHere extends Error {}

export function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InvalidInput([{ path: '', value: text.slice(0, 200), expected: `JSON (${reason})` }]);
  }
}
