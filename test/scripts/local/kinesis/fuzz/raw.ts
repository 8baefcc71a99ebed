import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a connection that is written to byte by byte gets back. */
export class RawConnection {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  #more: () => void = () => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {}); // a reset is an answer too
    socket.on('close', () => this.#more());
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#more();
    });
  }

  static async open(endpoint: string): Promise<RawConnection> {
    const { port, hostname } = new URL(endpoint);
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
    await once(socket, 'connect');
    return new RawConnection(socket);
  }

  get received(): Buffer {
    return this.#received;
  }

  write(bytes: string | Buffer): void {
    if (!this.socket.destroyed) this.socket.write(bytes);
  }

  /** Resolves once `enough` holds of what came, or the connection closed, or `patienceMs` passed. */
  async until(enough: (received: Buffer) => boolean, patienceMs = 2_000): Promise<Buffer> {
    const deadline = AbortSignal.timeout(patienceMs);
    while (!enough(this.#received) && !this.socket.readableEnded && !this.socket.destroyed && !deadline.aborted) {
      await new Promise<void>((resolve) => {
        this.#more = resolve;
        deadline.addEventListener('abort', () => resolve(), { once: true });
        this.socket.once('end', resolve);
      });
    }
    return this.#received;
  }

  close(): void {
    this.socket.destroy();
  }
}

export interface Http1Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** The whole answers that stand one behind the other in what HTTP/1.1 sent, interim ones left out. */
export function http1Answers(received: Buffer): Http1Answer[] {
  const answers: Http1Answer[] = [];
  for (let at = 0; ; ) {
    const end = received.indexOf('\r\n\r\n', at);
    if (end < 0) return answers;
    const [statusLine = '', ...lines] = received.toString('latin1', at, end).split('\r\n');
    const headers = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    );
    const status = Number(statusLine.split(' ')[1]);
    const length = Number(headers['content-length'] ?? 0);
    at = end + 4 + length;
    if (received.length < at) return answers;
    if (status >= 200) answers.push({ status, headers, body: received.subarray(end + 4, at) });
  }
}

export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
} as const;
export const endStream = 1;
export const endHeaders = 4;

/** A frame of RFC 9113 §4.1; `length` may lie about the payload. */
export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
  length: number = payload.length,
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream >>> 0, 5);
  return Buffer.concat([head, payload]);
}

export const settings = frame(frameTypes.settings, 0, 0);

/** Header fields without compression (RFC 7541 §6.2.2, literals that are not indexed). */
export function fields(pairs: readonly (readonly [string, string])[]): Buffer {
  const text = (value: string): Buffer => {
    const bytes = Buffer.from(value, 'latin1');
    return Buffer.concat([prefixed(bytes.length), bytes]);
  };
  return Buffer.concat(pairs.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]));
}

function prefixed(length: number): Buffer {
  if (length < 127) return Buffer.from([length]);
  const bytes = [127];
  let rest = length - 127;
  for (; rest >= 128; rest >>= 7) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}

/** Resolves once `done` holds, looking every few ms; false when it never does. */
export async function eventually(done: () => boolean, patienceMs = 2_000): Promise<boolean> {
  for (const end = performance.now() + patienceMs; performance.now() < end; ) {
    if (done()) return true;
    await sleep(5);
  }
  return done();
}
