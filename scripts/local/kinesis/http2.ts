import { constants, createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { serve } from './api.ts';
import { BodyCollector } from './body.ts';
import type { Exchange } from './exchange.ts';
import type { Service } from './operations/call.ts';

/** Windows that let a PutRecords of 500 × 1 KB, and several at once, arrive without waiting for updates. */
export const streamWindow = 16_777_216;
export const connectionWindow = 67_108_864;
/** MB. Node's 10 would refuse streams (ENHANCE_YOUR_CALM) while a few GetRecords answers of 14 MB wait to be sent. */
export const maxSessionMemory = 1_024;

/** One of the two protocols of the port: serves connections that are handed over, listens on nothing itself. */
export interface Protocol {
  accept(socket: Socket): void;
  /** Closes what has nothing under way, at once, and the rest when it has. */
  closeIdle(): void;
  destroyAll(): void;
}

/** HTTP/2 with prior knowledge (h2c). */
export function createHttp2(service: Service): Protocol {
  const sessions = new Set<ServerHttp2Session>();
  const sockets = new Set<Socket>();
  const server = createServer({ maxSessionMemory, settings: { initialWindowSize: streamWindow } });
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.setLocalWindowSize(connectionWindow);
  });
  server.on('stream', (stream, headers) => {
    const collected = new BodyCollector(headers['content-length']);
    stream.on('data', (chunk: Buffer) => collected.add(chunk));
    stream.on('error', () => stream.close());
    stream.on('end', () => {
      if (stream.closed) return; // reset before its end: Node ends what has come of it
      const target = String(headers['x-amz-target'] ?? '');
      const contentType = headers['content-type'] ?? '';
      const path = headers[':path'] ?? '';
      serve({ method: headers[':method'] ?? '', path, target, contentType, collected }, service, exchangeOf(stream));
    });
  });
  return {
    accept(socket) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      server.emit('connection', socket);
    },
    closeIdle: () => [...sessions].forEach((session) => void session.close()),
    destroyAll() {
      // A live session has taken its socket's handle and must let go of it first; one that has closed gracefully has given it
      // back and waits for the peer to hang up, which one with an answer unread may never do.
      for (const session of sessions) session.destroy();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function exchangeOf(stream: ServerHttp2Stream): Exchange {
  return {
    send(status, headers, body) {
      if (stream.destroyed) return;
      stream.respond({ ':status': status, ...headers, 'content-length': body.length });
      stream.end(body);
    },
    open(status, headers) {
      if (!stream.destroyed) stream.respond({ ':status': status, ...headers });
      return stream;
    },
    drop: () => stream.close(constants.NGHTTP2_INTERNAL_ERROR),
    reset: () => stream.session?.destroy(),
    onClose: (listener) => void stream.on('close', listener),
  };
}
