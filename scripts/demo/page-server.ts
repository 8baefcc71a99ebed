import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Snapshot } from './snapshot.ts';

const maxClients = 20;
const retryMs = 1_000;

const file = (name: string): Buffer => readFileSync(new URL(`page/${name}`, import.meta.url));
const assets: Readonly<Record<string, { readonly type: string; readonly body: () => Buffer }>> = {
  '/': { type: 'text/html; charset=utf-8', body: () => file('index.html') },
  '/page.css': { type: 'text/css; charset=utf-8', body: () => file('page.css') },
  '/page.js': { type: 'text/javascript; charset=utf-8', body: () => file('page.js') },
};

/** Nothing but our own files, whatever text an event carries; nobody may frame it or post to it. */
const headers = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

export interface PageServer {
  readonly url: string;
  publish(snapshot: Snapshot): void;
  close(): Promise<void>;
}

/**
 * The page, on 127.0.0.1 only. `Host` must be ours (a name that was rebound to 127.0.0.1 is not), and so must `Origin`
 * where a browser sends one. Rejects when the port is taken.
 */
export async function startPageServer(port: number): Promise<PageServer> {
  const clients = new Set<ServerResponse>();
  let last: string | undefined;
  let allowed: ReadonlySet<string> = new Set();
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    const refusal = refusalOf(request, allowed);
    if (refusal !== undefined) return end(response, refusal.status, refusal.text);
    const path = request.url?.split('?')[0] ?? '/';
    if (path === '/events') return stream(response);
    if (path === '/snapshot.json') {
      response.setHeader('content-type', 'application/json');
      response.end(last ?? 'null');
      return;
    }
    const asset = assets[path];
    if (asset === undefined) return end(response, 404, 'not found');
    response.setHeader('content-type', asset.type);
    response.end(asset.body());
  });

  function stream(response: ServerResponse): void {
    if (clients.size >= maxClients) return end(response, 503, 'too many pages are open');
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    response.write(`retry: ${retryMs}\n\n`);
    if (last !== undefined) response.write(`data: ${last}\n\n`);
    clients.add(response);
    response.on('close', () => clients.delete(response));
  }

  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
    const remedy = 'choose another with --port N, or leave --port out to take any free one';
    throw new Error(taken ? `port ${port} of 127.0.0.1 is taken: ${remedy}` : `cannot serve the page on port ${port}: ${String(error)}`, {
      cause: error,
    });
  }
  const actual = (server.address() as AddressInfo).port;
  allowed = new Set([`127.0.0.1:${actual}`, `localhost:${actual}`]);
  return {
    url: `http://127.0.0.1:${actual}/`,
    publish(snapshot) {
      last = JSON.stringify(snapshot);
      for (const client of clients) {
        // A page that does not read is let go of: it connects again and gets the newest.
        if (client.writableNeedDrain) client.destroy();
        else client.write(`data: ${last}\n\n`);
      }
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const client of clients) client.end();
      server.closeAllConnections();
      await closed;
    },
  };
}

function refusalOf({ method, headers: sent }: IncomingMessage, allowed: ReadonlySet<string>): { status: number; text: string } | undefined {
  if (!allowed.has(sent.host ?? '')) return { status: 403, text: 'unknown host' };
  const { origin } = sent;
  if (origin !== undefined && !(origin.startsWith('http://') && allowed.has(origin.slice('http://'.length)))) {
    return { status: 403, text: 'unknown origin' };
  }
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, text: 'GET only' };
  return undefined;
}

function end(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
}
