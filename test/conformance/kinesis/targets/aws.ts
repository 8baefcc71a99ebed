import { setTimeout as delay } from 'node:timers/promises';
import type { KinesisClientConfig } from '@aws-sdk/client-kinesis';
import { fromIni } from '@aws-sdk/credential-provider-ini';
import type { Budget, Target } from '../target.ts';

/** What all checks need (about 180 streams, 325 shards, 10,000 records, 6 streams at one time) and half as much again for repeats. */
export const awsBudget: Budget = { streams: 10, createdStreams: 290, createdShards: 490, records: 15_000 };

type Credentials = NonNullable<KinesisClientConfig['credentials']>;

/** Where the credentials are: a profile of the AWS configuration files, or three environment variables with a prefix. */
export type CredentialSource = { readonly profile: string } | { readonly envPrefix: string };

export interface AwsOptions {
  readonly region: string;
  readonly credentials: Credentials;
  /** Of a stand-in, in tests. */
  readonly endpoint?: string;
}

/** Never the SDK's default chain: only what was named. Throws when the variables are not set. */
export function credentialsFrom(source: CredentialSource, env: NodeJS.ProcessEnv): Credentials {
  if ('profile' in source) return fromIni({ profile: source.profile });
  const read = (name: string) => env[`${source.envPrefix}${name}`] || undefined;
  const accessKeyId = read('ACCESS_KEY_ID');
  const secretAccessKey = read('SECRET_ACCESS_KEY');
  const sessionToken = read('SESSION_TOKEN');
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new Error(`${source.envPrefix}ACCESS_KEY_ID and ${source.envPrefix}SECRET_ACCESS_KEY are not both set`);
  }
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

/** Kinesis itself. */
export function awsTarget({ region, credentials, endpoint }: AwsOptions): Target {
  const rest = async (ms: number): Promise<void> => void (await delay(ms));
  return {
    name: 'aws',
    transport: 'http2',
    client: { region, credentials, ...(endpoint === undefined ? {} : { endpoint }) },
    capabilities: ['slow-states'],
    differences: {},
    budget: awsBudget,
    patienceMs: 300_000,
    checkMs: 900_000,
    now: Date.now,
    pause: (ms) => rest(Math.max(ms, 1_000)), // ListStreams, DescribeStreamSummary and others allow 5 to 20 calls a second
    rest,
    pass: () => {
      throw new Error('this target has no clock to move');
    },
    stop: async () => {},
  };
}
