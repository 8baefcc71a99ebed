import { DescribeStreamSummaryCommand, type KinesisClient } from '@aws-sdk/client-kinesis';
import { kinesisClient } from '../../services/lib/process/aws.ts';
import { PlatformError } from '../../services/lib/process/errors.ts';

export interface Target {
  readonly kinesis: KinesisClient;
  readonly region: string;
}

/** The local Kinesis at `endpoint`, else that of the shell's account and region. Throws CONFIG_INVALID. */
export function openTarget(endpoint: string | undefined, env: NodeJS.ProcessEnv): Target {
  if (endpoint !== undefined) {
    const unused = 'http://127.0.0.1:1'; // local mode wants every endpoint; nothing else is called
    const local = { AWS_REGION: 'us-east-1', LOCAL_MODE: true, DYNAMODB_ENDPOINT: unused, SNS_ENDPOINT: unused };
    return { region: local.AWS_REGION, kinesis: kinesisClient({ ...local, KINESIS_ENDPOINT: endpoint }) };
  }
  const region = env['AWS_REGION'];
  if (!region) throw new PlatformError('CONFIG_INVALID', 'AWS_REGION is not set: which region is the stage in?');
  const none = { KINESIS_ENDPOINT: undefined, DYNAMODB_ENDPOINT: undefined, SNS_ENDPOINT: undefined };
  return { region, kinesis: kinesisClient({ AWS_REGION: region, LOCAL_MODE: false, ...none }) };
}

/** The account that a stream belongs to, from its ARN. Rejects with STREAM_UNAVAILABLE. */
export async function accountOf({ kinesis }: Target, stream: string): Promise<string> {
  try {
    const { StreamDescriptionSummary } = await kinesis.send(new DescribeStreamSummaryCommand({ StreamName: stream }));
    return StreamDescriptionSummary?.StreamARN?.split(':')[4] ?? 'unknown';
  } catch (cause) {
    throw new PlatformError('STREAM_UNAVAILABLE', `cannot describe stream ${stream}`, { cause });
  }
}
