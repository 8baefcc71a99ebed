import { once } from 'node:events';
import net from 'node:net';
import { Faults } from './faults/faults.ts';
import { setFaults } from './faults/faults-document.ts';
import { createHttp1 } from './http1.ts';
import { createHttp2 } from './http2.ts';
import { Metrics } from './metrics/metrics.ts';
import type { Service } from './operations/call.ts';
import { maxRequestBytes } from './operations/put.ts';
import { Tokens } from './protocol/tokens.ts';
import { sniff } from './sniff.ts';
import { Clock } from './store/clock.ts';
import { Store } from './store/store.ts';

export interface KinesisOptions {
  /** 0, the default, takes any free port. */
  readonly port?: number;
  /** Whether AWS's limits per shard and second are kept; default true. */
  readonly limits?: boolean;
  /** Cap on the memory of all records; at it the oldest ones are trimmed. Default 2 GiB. */
  readonly maxBytes?: number;
  readonly accountId?: string;
  /** How long streams and consumers stay CREATING, UPDATING or DELETING; default 0. */
  readonly statusDelayMs?: number;
  /** One fault or a list, as docs/contracts/kinesis-faults.v1.json has it; more can be set by the side endpoint. */
  readonly faults?: unknown;
  /** Of the random numbers that faults draw; default 1. */
  readonly seed?: number;
  /** Period of the metrics; default 60,000, as in CloudWatch. */
  readonly metricsPeriodMs?: number;
  /** Default the machine's. */
  readonly clock?: Clock;
  /** Called each time records were trimmed at the cap, at most once per MiB. */
  readonly onTrim?: () => void;
}

export interface KinesisServer {
  readonly endpoint: string;
  /** Resolves when no connection is left; answers under way have half a second. */
  close(): Promise<void>;
}

export const defaultMaxBytes = 2_147_483_648;
const defaultAccountId = '000000000000';
const region = 'us-east-1';
const host = '127.0.0.1';
const closeGraceMs = 500;

/**
 * Starts a local Kinesis on loopback. Rejects with the system's error when the port cannot be bound, with InvalidInput when
 * `faults` are not right.
 */
export async function startKinesis(options: KinesisOptions = {}): Promise<KinesisServer> {
  const clock = options.clock ?? new Clock();
  const store = new Store({
    accountId: options.accountId ?? defaultAccountId,
    region,
    maxBytes: options.maxBytes ?? defaultMaxBytes,
    clock,
    onTrim: options.onTrim ?? (() => {}),
  });
  let limits = options.limits ?? true;
  const service: Service = {
    store,
    clock,
    faults: new Faults(clock, options.seed),
    metrics: new Metrics(clock, options.metricsPeriodMs),
    tokens: new Tokens(),
    get limits() {
      return limits;
    },
    keepLimits(kept) {
      limits = kept;
    },
    statusDelayMs: options.statusDelayMs ?? 0,
    subscriptions: new Set(),
    scratch: Buffer.allocUnsafeSlow(maxRequestBytes),
  };
  if (options.faults !== undefined) setFaults(service.faults, options.faults);
  const protocols = { h1: createHttp1(service), h2: createHttp2(service) };
  const undecided = new Set<net.Socket>();
  const listener = net.createServer({ noDelay: true }, (socket) => {
    undecided.add(socket);
    socket.on('close', () => undecided.delete(socket));
    socket.on('error', () => socket.destroy()); // a peer that went away is no fault of ours
    sniff(socket, (protocol) => {
      undecided.delete(socket);
      protocols[protocol].accept(socket);
    });
  });
  listener.listen(options.port ?? 0, host);
  await once(listener, 'listening');
  const { port } = listener.address() as net.AddressInfo;
  const close = async () => {
    const closed = once(listener, 'close');
    listener.close();
    for (const socket of undecided) socket.destroy();
    for (const protocol of Object.values(protocols)) protocol.closeIdle();
    for (const subscription of service.subscriptions) subscription.end();
    const impatience = setTimeout(() => {
      for (const protocol of Object.values(protocols)) protocol.destroyAll();
    }, closeGraceMs);
    await closed;
    clearTimeout(impatience);
    clock.close();
  };
  let closing: Promise<void> | undefined;
  return { endpoint: `http://${host}:${port}`, close: () => (closing ??= close()) };
}
