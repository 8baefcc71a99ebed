import { createServer, type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { failure, serve } from './api.ts';
import { BodyCollector } from './body.ts';
import type { Exchange } from './exchange.ts';
import type { Protocol } from './http2.ts';
import type { Service } from './operations/call.ts';
import { ApiError, malformed } from './protocol/errors.ts';

const keepAliveMs = 60_000; // longer than SDKs keep idle connections, so that they never meet one just closed
const headersTooLarge = 431; // RFC 6585 §5

export function createHttp1(service: Service): Protocol {
  const sockets = new Set<Socket>();
  const underWay = new Map<Socket, Set<ServerResponse>>();
  let closing = false;
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    const answers = underWay.get(socket) ?? new Set();
    underWay.set(socket, answers.add(response));
    response.on('close', () => {
      answers.delete(response);
      if (answers.size > 0) return;
      underWay.delete(socket);
      if (closing) socket.destroy();
    });
    const collected = new BodyCollector(request.headers['content-length']);
    request.on('data', (chunk: Buffer) => collected.add(chunk));
    request.on('error', () => response.destroy());
    request.on('end', () => serve(requestOf(request, collected), service, exchangeOf(response)));
  };
  // Node answers a request without Host, or with an expectation it does not know, by an empty body: neither matters here.
  const server = createServer({ keepAliveTimeout: keepAliveMs, requestTimeout: 0, requireHostHeader: false }, handle);
  server.on('checkExpectation', handle);
  server.on('connect', (_request, socket: Socket) => refuse(socket, new ApiError('UnknownOperationException', 'Only POST is served.')));
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const status = error.code === 'HPE_HEADER_OVERFLOW' ? headersTooLarge : undefined;
    const refuseNow = () => refuse(socket, malformed('the request is not HTTP/1.1'), status);
    // Requests that came whole before it are answered first.
    const last = [...(underWay.get(socket) ?? [])].filter(({ req }) => req.complete).at(-1);
    if (last === undefined) refuseNow();
    else last.once('close', refuseNow);
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
      for (const socket of sockets) if (!underWay.has(socket)) socket.destroy();
    },
    destroyAll: () => [...sockets].forEach((socket) => void socket.destroy()),
  };
}

/** Answers what never became a request, and ends the connection. */
function refuse(socket: Socket, error: ApiError, status: number = error.status): void {
  if (!socket.writable) return void socket.destroy();
  const { headers, body } = failure(error);
  const lines = Object.entries({ ...headers, 'content-length': body.length, connection: 'close' }).map(([k, v]) => `${k}: ${v}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body.toString()}`);
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
    onClose: (listener) => void response.on('close', listener),
  };
}
