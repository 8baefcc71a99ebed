import { type ClientHttp2Session, connect } from 'node:http2';
import {
  CreateStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  type GetShardIteratorCommandInput,
  KinesisClient,
  ListShardsCommand,
  PutRecordsCommand,
  type _Record as Record_,
  type Shard,
} from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { type KinesisOptions, type KinesisServer, startKinesis } from '../../../../scripts/local/kinesis/server.ts';
import { Clock } from '../../../../scripts/local/kinesis/store/clock.ts';

export const startMs = 1_790_000_000_123;

/** The two transports of the AWS SDK: its own default for Kinesis (HTTP/2), and HTTP/1.1. */
export const transports = ['http2', 'http1'] as const;
export type Transport = (typeof transports)[number];

/** A server with a clock that stands still until a test moves it, and a client on it. */
export class Rig {
  readonly server: KinesisServer;
  readonly client: KinesisClient;
  readonly clock: Clock;

  protected constructor(server: KinesisServer, clock: Clock, transport: Transport) {
    this.server = server;
    this.clock = clock;
    this.client = clientOf(server.endpoint, transport);
  }

  static async start(options: Omit<KinesisOptions, 'clock'> & { transport?: Transport } = {}): Promise<Rig> {
    const clock = new Clock(() => startMs);
    const { transport = 'http2', ...rest } = options;
    return new Rig(await startKinesis({ ...rest, clock }), clock, transport);
  }

  get nowMs(): number {
    return this.clock.now();
  }

  pass(ms: number): void {
    this.clock.advance(ms);
  }

  async stop(): Promise<void> {
    this.client.destroy();
    await this.server.close();
  }

  async create(name: string, shards: number): Promise<string> {
    await this.client.send(new CreateStreamCommand({ StreamName: name, ShardCount: shards }));
    return name;
  }

  async shards(name: string): Promise<Shard[]> {
    return (await this.client.send(new ListShardsCommand({ StreamName: name }))).Shards ?? [];
  }

  put(name: string, records: readonly { key: string; data: string | Buffer; hashKey?: string }[]) {
    return this.client.send(
      new PutRecordsCommand({
        StreamName: name,
        Records: records.map(({ key, data, hashKey }) => ({
          PartitionKey: key,
          Data: Buffer.from(data),
          ...(hashKey === undefined ? {} : { ExplicitHashKey: hashKey }),
        })),
      }),
    );
  }

  async iterator(
    name: string,
    shardId: string,
    input: Pick<GetShardIteratorCommandInput, 'ShardIteratorType' | 'StartingSequenceNumber' | 'Timestamp'> = {
      ShardIteratorType: 'TRIM_HORIZON',
    },
  ): Promise<string> {
    const answer = await this.client.send(new GetShardIteratorCommand({ StreamName: name, ShardId: shardId, ...input }));
    return answer.ShardIterator ?? '';
  }

  get(iterator: string | undefined, limit?: number) {
    return this.client.send(new GetRecordsCommand({ ShardIterator: iterator, ...(limit === undefined ? {} : { Limit: limit }) }));
  }

  /** All of a shard from its trim horizon to its end or tip. */
  async read(name: string, shardId: string): Promise<Record_[]> {
    const found: Record_[] = [];
    let iterator: string | undefined = await this.iterator(name, shardId);
    while (iterator !== undefined) {
      const answer = await this.get(iterator);
      found.push(...(answer.Records ?? []));
      if (answer.MillisBehindLatest === 0) break;
      iterator = answer.NextShardIterator;
    }
    return found;
  }
}

export const clientOf = (endpoint: string, transport: Transport): KinesisClient =>
  new KinesisClient({
    endpoint,
    region: 'us-east-1',
    maxAttempts: 1,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    ...(transport === 'http1' ? { requestHandler: new NodeHttpHandler() } : {}),
  });

export const textOf = ({ Data }: Record_): string => Buffer.from(Data ?? []).toString();

/** What the API tells a caller who errs, as the SDK throws it. */
export const awsError =
  (name: string, message?: RegExp) =>
  (error: unknown): boolean =>
    error instanceof Error && error.name === name && (message?.test(error.message) ?? true);

export interface RawAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly errorType: string | undefined;
  readonly requestId: string | undefined;
  readonly body: Buffer;
}

/** One HTTP/2 request as it stands, past any SDK. */
export class RawClient {
  readonly session: ClientHttp2Session;

  constructor(endpoint: string) {
    this.session = connect(endpoint);
    this.session.on('error', () => {}); // shown by the request that fails
  }

  call(target: string, contentType: string, body: Buffer, method = 'POST'): Promise<RawAnswer> {
    return new Promise((resolve, reject) => {
      const stream = this.session.request({ ':method': method, ':path': '/', 'content-type': contentType, 'x-amz-target': target });
      const chunks: Buffer[] = [];
      let head: Record<string, unknown> = {};
      stream.on('response', (headers) => {
        head = headers;
      });
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('error', reject);
      stream.on('end', () =>
        resolve({
          status: Number(head[':status']),
          contentType: String(head['content-type']),
          errorType: head['x-amzn-errortype'] as string | undefined,
          requestId: head['x-amzn-requestid'] as string | undefined,
          body: Buffer.concat(chunks),
        }),
      );
      stream.end(body);
    });
  }

  close(): void {
    this.session.destroy();
  }
}
