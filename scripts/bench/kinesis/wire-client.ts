import { type ClientHttp2Session, connect } from 'node:http2';
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
      const stream = this.#session.request({
        ':method': 'POST',
        ':path': '/',
        'content-type': `application/x-amz-${format}-1.1`,
        'content-length': body.length,
        'x-amz-target': `Kinesis_20131202.${operation}`,
      });
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

  async json(operation: string, input: object): Promise<Record<string, unknown>> {
    const answer = await this.call(operation, Buffer.from(JSON.stringify(input)), 'json');
    return answer.length === 0 ? {} : (JSON.parse(answer.toString('utf8')) as Record<string, unknown>);
  }

  close(): void {
    this.#session.destroy();
  }
}
