import { once } from 'node:events';
import { Agent, createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TableFault, type TableFaultKind, TableFaults } from './table-faults.ts';

/** DynamoDB takes requests of up to 16 MB (BatchWriteItem, API reference). */
const maxBodyBytes = 16 * 1_048_576;

export interface DynamoProxy {
  readonly endpoint: string;
  /** From the next call on; undefined: everything passes again. */
  fail(fault: TableFault | undefined): void;
  /** Calls that failed since the fault was set. */
  readonly struck: number;
  close(): Promise<void>;
}

/** In front of `target`, on 127.0.0.1 and a free port: README.md. */
export async function startDynamoProxy(options: { readonly target: string; readonly seed: number }): Promise<DynamoProxy> {
  const target = new URL(options.target);
  const agent = new Agent({ keepAlive: true });
  const faults = new TableFaults(options.seed);

  /** Resolves when the answer is on its way; undefined: there is none. */
  const forward = (request: IncomingMessage, body: Buffer): Promise<IncomingMessage | undefined> =>
    new Promise((resolve) => {
      const { hostname, port } = target;
      const { method, url, headers } = request;
      const onward = httpRequest({ agent, hostname, port, method, path: url, headers: { ...headers, host: target.host } }, resolve);
      onward.once('error', () => resolve(undefined));
      onward.end(body);
    });

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await bodyOf(request);
    const fate = faults.active ? faults.fateOf(body.toString('utf8')) : undefined;
    if (fate === 'error' || fate === 'throttle') return refuse(response, fate);
    if (fate === 'reset') return void request.socket.destroy();
    const answer = await forward(request, body);
    if (fate === 'lost') await answer?.toArray(); // only then has the table surely carried it out
    if (fate === 'lost' || answer === undefined) return void request.socket.destroy();
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.once('error', () => request.socket.destroy());
    answer.pipe(response);
  };

  const server = createServer((request, response) => {
    serve(request, response).catch(() => request.socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fail: (fault) => faults.set(fault),
    get struck() {
      return faults.struck;
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      agent.destroy();
      await closed;
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) throw new Error('request too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** As the service words them (DynamoDB developer guide, error handling). */
const refusals: Readonly<Record<Extract<TableFaultKind, 'error' | 'throttle'>, { status: number; type: string; message: string }>> = {
  error: { status: 500, type: 'InternalServerError', message: 'Internal server error' },
  throttle: {
    status: 400,
    type: 'ProvisionedThroughputExceededException',
    message: 'The level of configured provisioned throughput for the table was exceeded.',
  },
};

function refuse(response: ServerResponse, fate: keyof typeof refusals): void {
  const { status, type, message } = refusals[fate];
  const body = JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${type}`, message });
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(body);
}
