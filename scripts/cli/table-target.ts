import { DescribeTableCommand, type DynamoDBClient, ResourceNotFoundException } from '@aws-sdk/client-dynamodb';
import { dynamoClient } from '../../services/lib/process/aws.ts';
import { isLoopbackUrl } from '../../services/lib/process/config.ts';
import { ensureError, PlatformError } from '../../services/lib/process/errors.ts';
import { UsageError } from './flags.ts';

export interface TableTarget {
  readonly dynamo: DynamoDBClient;
  readonly table: string;
  readonly place: { readonly stage: string; readonly account: string; readonly region: string };
}

export interface TargetFlags {
  readonly stage: string | undefined;
  readonly endpoint: string | undefined;
}

/**
 * The table in the local DynamoDB, or in the stage's account and region, which are the shell's; `note` is told which.
 * Throws UsageError, or TABLE_UNAVAILABLE when the table cannot be described.
 */
export async function openTable(
  { stage, endpoint: given }: TargetFlags,
  table: string,
  { env, note }: { readonly env: NodeJS.ProcessEnv; readonly note: (line: string) => void },
): Promise<TableTarget> {
  if (stage !== undefined && given !== undefined) throw new UsageError('--stage or --endpoint, not both');
  const endpoint = given ?? (stage === undefined ? env['DYNAMODB_ENDPOINT'] : undefined);
  if (stage === undefined && endpoint === undefined) {
    throw new UsageError('where? --stage STAGE, or --endpoint URL for a local DynamoDB, such as that of a running demo');
  }
  if (endpoint !== undefined && !isLoopbackUrl(endpoint)) throw new UsageError(`DYNAMODB_ENDPOINT is ${endpoint}: expected a loopback URL`);
  const region = endpoint === undefined ? env['AWS_REGION'] : 'us-east-1';
  if (!region) throw new UsageError('AWS_REGION is not set: which region is the stage in?');
  // Local mode wants every endpoint; nothing else is called.
  const endpoints = { DYNAMODB_ENDPOINT: endpoint, KINESIS_ENDPOINT: endpoint, SNS_ENDPOINT: endpoint };
  const dynamo = dynamoClient({ AWS_REGION: region, LOCAL_MODE: endpoint !== undefined, ...endpoints });
  try {
    const place = { stage: stage ?? 'local', account: await accountOf(dynamo, table), region };
    note(`${stage === undefined ? `local ${endpoint}` : `stage ${stage}`}: account ${place.account}, region ${region}, table ${table}`);
    return { dynamo, table, place };
  } catch (error) {
    dynamo.destroy();
    throw error;
  }
}

/** The AWS account that the table belongs to, from its ARN. */
async function accountOf(dynamo: DynamoDBClient, table: string): Promise<string> {
  try {
    const { Table } = await dynamo.send(new DescribeTableCommand({ TableName: table }));
    return Table?.TableArn?.split(':')[4] ?? 'unknown';
  } catch (cause) {
    throw new PlatformError('TABLE_UNAVAILABLE', `table ${table}: ${whyNot(cause)}`, { cause });
  }
}

/** Why a call went wrong, with what to do where that is known. */
export function whyNot(cause: unknown): string {
  if (cause instanceof ResourceNotFoundException) return 'there is no such table (--table NAME)';
  const { name, message } = ensureError(cause);
  if ((cause as NodeJS.ErrnoException).code === 'ECONNREFUSED')
    return `${message}: nothing listens there. Is the demo running? Its start prints the address`;
  if (name === 'CredentialsProviderError')
    return `${message}: no AWS credentials. Log in (aws sso login), or name a profile in AWS_PROFILE`;
  return message;
}
