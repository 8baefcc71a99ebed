import type { Socket } from 'node:net';

/** RFC 9113 §3.4: what an HTTP/2 client with prior knowledge sends first begins so; no HTTP/1.1 method does. */
const preface = 'PRI';
const patienceMs = 30_000;

/** Tells by the first three bytes which HTTP a connection speaks, and leaves them to be read again. */
export function sniff(socket: Socket, found: (protocol: 'h1' | 'h2') => void): void {
  let head: Buffer = Buffer.alloc(0);
  const giveUp = () => socket.destroy();
  socket.setTimeout(patienceMs, giveUp);
  const look = (chunk: Buffer) => {
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
    const text = head.toString('latin1', 0, preface.length);
    if (text.length < preface.length && preface.startsWith(text)) return;
    socket.off('data', look);
    socket.setTimeout(0);
    socket.off('timeout', giveUp);
    socket.pause();
    socket.unshift(head);
    found(text === preface ? 'h2' : 'h1');
  };
  socket.on('data', look);
}
