import type { Service } from '../operations/call.ts';
import { pages } from './pages.ts';
import { InvalidInput } from './problems.ts';
import { NotHere, parseJson, type Route } from './route.ts';

/** What is about this server itself and not of the API lies below it. */
export const sidePrefix = '/_local';
/** Room for the most faults that a server holds, at some 600 bytes each. */
const maxBodyBytes = 65_536;

export interface SideAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export const isSide = (path: string): boolean => path.startsWith(sidePrefix) && /^\/_local(?:[/?#]|$)/.test(path);

/** Answers a request below /_local/; `body` is undefined when it was larger than any request may be. Never throws. */
export function answerSide(method: string, path: string, body: Buffer | undefined, service: Service): SideAnswer {
  try {
    const [pathname = '', search = ''] = path.split('?', 2);
    const asked = pathname.slice(sidePrefix.length).replace(/^\/|\/$/g, '');
    const here = asked === '' ? [indexRoute] : pages.filter((page) => matches(page, asked));
    const route = here.find((page) => page.method === method);
    if (here.length === 0) return refusal(404, `There is no ${shownPath(pathname)}: GET ${sidePrefix}/ lists what there is.`);
    if (route === undefined) {
      const allow = here.map((page) => page.method).join(', ');
      return refusal(405, `${shownPath(pathname)} takes ${allow}: GET ${sidePrefix}/ has examples.`, {}, { allow });
    }
    if (body === undefined || body.length > maxBodyBytes) return refusal(413, `The body exceeds ${maxBodyBytes} bytes.`);
    const id = asked.slice(asked.lastIndexOf('/') + 1);
    const call = { service, query: new URLSearchParams(search), id, json: () => parseJson(body.toString('utf8')) };
    return json(route.status ?? 200, route.answer(call));
  } catch (error) {
    if (error instanceof InvalidInput) {
      const { problems } = error;
      return refusal(400, `Refused whole: ${problems.length} problem${problems.length === 1 ? '' : 's'}.`, { problems });
    }
    if (error instanceof NotHere) return refusal(404, error.message);
    return refusal(500, `A defect of the local server: ${String(error)}`);
  }
}

const indexRoute: Route = { method: 'GET', path: '', what: 'this', answer: () => index() };

function index(): Readonly<Record<string, unknown>> {
  const shown = pages.map(({ method, path, what, example }) => ({
    [`${method} ${sidePrefix}/${path.replace('*', 'ID')}`]: { what, example },
  }));
  return { server: 'a local Kinesis Data Streams; ENDPOINT is its address', paths: Object.assign({}, ...shown) };
}

function matches({ path }: Route, asked: string): boolean {
  if (!path.endsWith('*')) return path === asked;
  const before = path.slice(0, -1);
  return asked.startsWith(before) && /^[^/]+$/.test(asked.slice(before.length));
}

const shownPath = (path: string): string => path.slice(0, 200);

const errorNames: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  413: 'PayloadTooLarge',
  500: 'InternalError',
};

function refusal(status: number, message: string, more: object = {}, headers: Readonly<Record<string, string>> = {}): SideAnswer {
  const answer = json(status, { error: errorNames[status], message, ...more });
  return { ...answer, headers: { ...answer.headers, ...headers } };
}

/** Indented, since people read it with curl. */
function json(status: number, value: object): SideAnswer {
  const body = Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
  return { status, headers: { 'content-type': 'application/json', 'cache-control': 'no-store' }, body };
}
