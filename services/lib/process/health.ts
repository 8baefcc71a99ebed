import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PlatformError } from './errors.ts';

export interface HealthReport {
  readonly healthy: boolean;
  readonly [detail: string]: unknown;
}

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Loopback only: `GET /healthz` (200 or 503 with the report) and `GET /metrics` (Prometheus text).
 * Port 0 takes any free one. Rejects with CONFIG_INVALID when the port is taken.
 */
export async function startHealthServer(options: {
  readonly port: number;
  readonly health: () => HealthReport;
  readonly metrics: () => Promise<string>;
}): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    if (request.method !== 'GET' || (path !== '/healthz' && path !== '/metrics')) return send(response, 404, 'text/plain', 'not found\n');
    if (path === '/healthz') {
      const report = options.health();
      return send(response, report.healthy ? 200 : 503, 'application/json', `${JSON.stringify(report)}\n`);
    }
    options.metrics().then(
      (text) => send(response, 200, 'text/plain; version=0.0.4', text),
      (error: unknown) => send(response, 500, 'text/plain', `${String(error)}\n`),
    );
  });
  server.listen(options.port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new PlatformError('CONFIG_INVALID', `HEALTH_PORT ${options.port}: cannot listen on 127.0.0.1 (${(cause as Error).message})`, {
      cause,
    });
  }
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type }).end(body);
}
