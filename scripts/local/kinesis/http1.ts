import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { failure, serve } from './api.ts';
import { BodyCollector } from './body.ts';
import type { Exchange } from './exchange.ts';
import type { Protocol } from './http2.ts';
import type { Service } from './operations/call.ts';
import { malformed } from './protocol/errors.ts';

const keepAliveMs = 60_000; // longer than SDKs keep idle connections, so that they never meet one just closed

export function createHttp1(service: Service): Protocol {
  const sockets = new Set<Socket>();
  const busy = new Set<Socket>();
  let closing = false;
  const server = createServer({ keepAliveTimeout: keepAliveMs, requestTimeout: 0 }, (request, response) => {
    busy.add(request.socket);
    response.on('close', () => {
      busy.delete(request.socket);
      if (closing) request.socket.destroy();
    });
    const collected = new BodyCollector(request.headers['content-length']);
    request.on('data', (chunk: Buffer) => collected.add(chunk));
    request.on('error', () => response.destroy());
    request.on('end', () => serve(requestOf(request, collected), service, exchangeOf(response)));
  });
  server.on('clientError', (_error, socket) => {
    if (!socket.writable) return void socket.destroy();
    const { headers, body } = failure(malformed('the request is not HTTP/1.1'));
    const lines = Object.entries({ ...headers, 'content-length': body.length, connection: 'close' }).map(([k, v]) => `${k}: ${v}\r\n`);
    socket.end(`HTTP/1.1 400 Bad Request\r\n${lines.join('')}\r\n${body.toString()}`);
  });
  return {
    accept(socket) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      server.emit('connection', socket);
      socket.resume(); // the parser has taken the handle; what was read before it must flow from the socket
    },
    closeIdle() {
      closing = true; // Node's own closeIdleConnections knows only connections of a server that listens
      for (const socket of sockets) if (!busy.has(socket)) socket.destroy();
    },
    destroyAll: () => [...sockets].forEach((socket) => void socket.destroy()),
  };
}

const requestOf = ({ method, url, headers }: IncomingMessage, collected: BodyCollector) => ({
  method: method ?? '',
  path: url ?? '',
  target: String(headers['x-amz-target'] ?? ''),
  contentType: headers['content-type'] ?? '',
  collected,
});

function exchangeOf(response: ServerResponse): Exchange {
  const reset = () => response.req.socket.resetAndDestroy();
  return {
    send(status, headers, body) {
      if (response.destroyed) return;
      response.writeHead(status, { ...headers, 'content-length': body.length });
      response.end(body);
    },
    open(status, headers) {
      if (!response.destroyed) response.writeHead(status, headers).flushHeaders();
      return response;
    },
    drop: reset,
    reset,
  };
}
