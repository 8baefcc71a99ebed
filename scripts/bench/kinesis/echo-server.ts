/**
 * The peer of the Kinesis bench: an HTTP/2 server that returns each body as it came and does nothing else, with the same
 * windows and the same way of collecting a body. What it reaches is what Node's HTTP/2 leaves to be had on this machine.
 */
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { BodyCollector } from '../../local/kinesis/body.ts';
import { connectionWindow, maxSessionMemory, streamWindow } from '../../local/kinesis/http2.ts';

const server = createServer({ maxSessionMemory, settings: { initialWindowSize: streamWindow } });
server.on('session', (session) => session.setLocalWindowSize(connectionWindow));
server.on('stream', (stream, headers) => {
  const body = new BodyCollector(headers['content-length']);
  stream.on('data', (chunk: Buffer) => body.add(chunk));
  stream.on('end', () => {
    const echoed = body.take();
    stream.respond({ ':status': 200, 'content-length': echoed.length });
    stream.end(echoed);
    stream.on('close', () => body.release());
  });
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ type: 'ready', endpoint: `http://127.0.0.1:${port}` })}\n`);
});
process.once('SIGTERM', () => process.exit(0));
