import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { type ClientHttp2Session, connect } from 'node:http2';
import type { FuzzRequest } from './requests.ts';

export interface WireAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly errorType: string | undefined;
  readonly requestId: string | undefined;
  readonly body: Buffer;
}

type Headers = Readonly<Record<string, string | string[] | number | undefined>>;

const openAnswer = 'application/vnd.amazon.eventstream';

/** Sends requests as they stand over both protocols. Answers of open end are left at once. */
export class Wire {
  readonly #endpoint: URL;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 4 });
  #session: ClientHttp2Session | undefined;

  constructor(endpoint: string) {
    this.#endpoint = new URL(endpoint);
  }

  http2({ target, contentType, body }: FuzzRequest): Promise<WireAnswer> {
    const session = this.#live();
    return new Promise((resolve, reject) => {
      const stream = session.request({ ':method': 'POST', ':path': '/', 'content-type': contentType, 'x-amz-target': target });
      const chunks: Buffer[] = [];
      let head: Headers = {};
      stream.on('response', (headers) => {
        head = headers;
        if (headers['content-type'] !== openAnswer) return;
        stream.close();
        resolve(answerOf(Number(headers[':status']), headers, []));
      });
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('error', reject);
      stream.on('close', () => resolve(answerOf(Number(head[':status']), head, chunks)));
      stream.end(body);
    });
  }

  http1({ target, contentType, body }: FuzzRequest): Promise<WireAnswer> {
    return new Promise((resolve, reject) => {
      const sent = request({
        host: this.#endpoint.hostname,
        port: this.#endpoint.port,
        method: 'POST',
        agent: this.#agent,
        headers: { 'content-type': contentType, 'x-amz-target': target, 'content-length': body.length },
      });
      sent.on('error', reject);
      sent.on('response', (response) => {
        const chunks: Buffer[] = [];
        const status = response.statusCode ?? 0;
        if (response.headers['content-type'] === openAnswer) {
          resolve(answerOf(status, response.headers, []));
          response.on('error', () => {});
          response.destroy();
          return;
        }
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => resolve(answerOf(status, response.headers, chunks)));
      });
      sent.end(body);
    });
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    if (this.#session === undefined || this.#session.destroyed) return;
    const closed = once(this.#session, 'close');
    this.#session.destroy();
    await closed;
  }

  #live(): ClientHttp2Session {
    if (this.#session === undefined || this.#session.destroyed || this.#session.closed) {
      this.#session = connect(this.#endpoint.origin);
      this.#session.on('error', () => {}); // shown by the request that fails
    }
    return this.#session;
  }
}

const answerOf = (status: number, headers: Headers, chunks: readonly Buffer[]): WireAnswer => ({
  status,
  contentType: String(headers['content-type']),
  errorType: headers['x-amzn-errortype'] as string | undefined,
  requestId: headers['x-amzn-requestid'] as string | undefined,
  body: Buffer.concat(chunks),
});
