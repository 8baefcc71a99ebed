import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { SNSClient } from '@aws-sdk/client-sns';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { z } from 'zod';
import { type Config, flag, isLoopbackUrl, text } from './config.ts';
import { PlatformError } from './errors.ts';

const endpoint = z.url({ error: 'expected a URL such as http://127.0.0.1:4567' }).optional();

/** Keys every service reads to find AWS, or the local stack that stands for it. */
export const awsConfig = {
  AWS_REGION: text.describe('region of all streams, tables and topics'),
  LOCAL_MODE: flag.describe('true: only loopback endpoints and dummy credentials are accepted'),
  KINESIS_ENDPOINT: endpoint.describe('local mode only'),
  DYNAMODB_ENDPOINT: endpoint.describe('local mode only'),
  SNS_ENDPOINT: endpoint.describe('local mode only'),
} as const;

export type AwsConfig = Config<typeof awsConfig>;

const endpointKeys = ['KINESIS_ENDPOINT', 'DYNAMODB_ENDPOINT', 'SNS_ENDPOINT'] as const;

/** In local mode nothing may reach a real account: every endpoint must be given and be loopback. Throws CONFIG_INVALID. */
export function assertLocalMode(config: AwsConfig): void {
  const wrong = config.LOCAL_MODE
    ? endpointKeys.filter((key) => config[key] === undefined || !isLoopbackUrl(config[key]))
    : endpointKeys.filter((key) => config[key] !== undefined);
  if (wrong.length === 0) return;
  const expected = config.LOCAL_MODE ? 'a loopback URL, since LOCAL_MODE is true' : 'unset, since LOCAL_MODE is not true';
  throw new PlatformError('CONFIG_INVALID', wrong.map((key) => `${key} is ${config[key] ?? 'not set'}: expected ${expected}`).join('\n'));
}

const maxSockets = 50;
const connectionTimeoutMs = 2_000;
const requestTimeoutMs = 10_000;

/** How every client of ours talks HTTP: a limit on all of it. */
export const httpHandler = (requestTimeout: number): NodeHttpHandler =>
  new NodeHttpHandler({
    connectionTimeout: connectionTimeoutMs,
    requestTimeout,
    throwOnRequestTimeout: true,
    httpAgent: { keepAlive: true, maxSockets },
    httpsAgent: { keepAlive: true, maxSockets },
  });

/** What a client of a local endpoint signs with: worth nothing anywhere. */
export const localCredentials = { accessKeyId: 'local', secretAccessKey: 'local' } as const;

function clientOptions(config: AwsConfig, url: string | undefined) {
  assertLocalMode(config);
  return {
    region: config.AWS_REGION,
    maxAttempts: 4,
    requestHandler: httpHandler(requestTimeoutMs),
    ...(url === undefined ? {} : { endpoint: url, credentials: localCredentials }),
  };
}

export const kinesisClient = (config: AwsConfig): KinesisClient => new KinesisClient(clientOptions(config, config.KINESIS_ENDPOINT));
export const dynamoClient = (config: AwsConfig): DynamoDBClient => new DynamoDBClient(clientOptions(config, config.DYNAMODB_ENDPOINT));
export const snsClient = (config: AwsConfig): SNSClient => new SNSClient(clientOptions(config, config.SNS_ENDPOINT));
