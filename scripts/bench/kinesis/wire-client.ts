import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type IncomingHttpHeaders } from 'node:http2';
import { connectionWindow, maxSessionMemory, streamWindow } from '../../local/kinesis/http2.ts';

export type Format = 'json' | 'cbor';

/** The bare wire: bodies prepared beforehand, answers unparsed, so that a bench measures the server and not an SDK. */
export class WireClient {
  readonly #session: ClientHttp2Session;

  constructor(endpoint: string) {
    this.#session = connect(endpoint, { maxSessionMemory, settings: { initialWindowSize: streamWindow } });
    this.#session.on('connect', () => this.#session.setLocalWindowSize(connectionWindow));
  }

  /** Rejects on any status but 200. */
  call(operation: string, body: Buffer, format: Format): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const stream = this.#request(operation, body, format);
      let status = 0;
      const chunks: Buffer[] = [];
      stream.on('response', (headers) => {
        status = headers[':status'] ?? 0;
      });
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('error', reject);
      stream.on('end', () => {
        const answer = Buffer.concat(chunks);
        if (status === 200) resolve(answer);
        else reject(new Error(`${operation} answered ${status}: ${answer.toString('utf8', 0, 500)}`));
      });
      stream.end(body);
    });
  }

  /** An answer of open end, once its head has come. Rejects on any status but 200. */
  async open(operation: string, body: Buffer, format: Format): Promise<ClientHttp2Stream> {
    const stream = this.#request(operation, body, format);
    stream.end(body);
    const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders & { ':status'?: number }];
    if (headers[':status'] === 200) return stream;
    const chunks: Buffer[] = await stream.toArray();
    throw new Error(`${operation} answered ${headers[':status']}: ${Buffer.concat(chunks).toString('utf8', 0, 500)}`);
  }

  async json(operation: string, input: object): Promise<Record<string, unknown>> {
    const answer = await this.call(operation, Buffer.from(JSON.stringify(input)), 'json');
    return answer.length === 0 ? {} : (JSON.parse(answer.toString('utf8')) as Record<string, unknown>);
  }

  #request(operation: string, body: Buffer, format: Format): ClientHttp2Stream {
    return this.#session.request({
      ':method': 'POST',
      ':path': '/',
      'content-type': `application/x-amz-${format}-1.1`,
      'content-length': body.length,
      'x-amz-target': `Kinesis_20131202.${operation}`,
    });
  }

  close(): void {
    this.#session.destroy();
  }
}
