import { setTimeout as delay } from 'node:timers/promises';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { startKinesis } from '../../../../scripts/local/kinesis/server.ts';
import { Clock } from '../../../../scripts/local/kinesis/store/clock.ts';
import type { Target, Transport } from '../target.ts';

/** Of the server's time; a check looks every 500 ms of it. */
const statusDelayMs = 2_500;
const turnMs = 1; // what is on its way over the loopback gets a turn before the next look

/**
 * The local Kinesis of this repository, in this process, with its limits on and a clock that the checks move. States last over
 * HTTP/2; over HTTP/1.1 they change at once, as is the server's default.
 */
export async function localTarget(transport: Transport): Promise<Target> {
  const clock = new Clock();
  const slow = transport === 'http2';
  const server = await startKinesis({ clock, ...(slow ? { statusDelayMs } : {}) });
  const rest = async (ms: number): Promise<void> => {
    clock.advance(ms);
    await delay(turnMs);
  };
  return {
    name: 'local',
    transport,
    client: {
      endpoint: server.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      ...(transport === 'http1' ? { requestHandler: new NodeHttpHandler() } : {}),
    },
    capabilities: slow ? ['clock', 'slow-states'] : ['clock'],
    differences: {},
    budget: { streams: 40, createdStreams: 1_000, createdShards: 5_000, records: 100_000 },
    patienceMs: 10_000,
    checkMs: 20_000,
    now: () => clock.now(),
    pause: rest,
    rest,
    pass: (ms) => clock.advance(ms),
    stop: () => server.close(),
  };
}
