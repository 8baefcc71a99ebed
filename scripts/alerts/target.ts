import { DescribeTableCommand, type DynamoDBClient, ResourceNotFoundException } from '@aws-sdk/client-dynamodb';
import { dynamoClient } from '../../services/lib/process/aws.ts';
import { isLoopbackUrl } from '../../services/lib/process/config.ts';
import { ensureError, PlatformError } from '../../services/lib/process/errors.ts';
import { UsageError } from '../cli/flags.ts';
import type { TargetFlags } from './flags.ts';

/** What a subcommand works on, and how it speaks. */
export interface AlertsIo {
  readonly env: NodeJS.ProcessEnv;
  /** Data; one line a call. */
  readonly out: (line: string) => void;
  /** For people. */
  readonly note: (line: string) => void;
  /** Epoch ms. */
  readonly now: () => number;
  readonly signal: AbortSignal;
  /** Of stdout when it is a terminal. */
  readonly columns: number | undefined;
  readonly isColored: boolean;
}

export interface Target {
  readonly dynamo: DynamoDBClient;
  readonly table: string;
  readonly isLocal: boolean;
  readonly place: { readonly stage: string; readonly account: string; readonly region: string };
}

/** The local DynamoDB, or the stage in the shell's account and region, and that its table is there. Throws UsageError. */
export async function openTarget(flags: TargetFlags, { env, note }: Pick<AlertsIo, 'env' | 'note'>): Promise<Target> {
  if (flags.stage !== undefined && flags.endpoint !== undefined) throw new UsageError('--stage or --endpoint, not both');
  const endpoint = flags.endpoint ?? (flags.stage === undefined ? env['DYNAMODB_ENDPOINT'] : undefined);
  if (flags.stage === undefined && endpoint === undefined) {
    throw new UsageError('whose alerts? --stage STAGE, or --endpoint URL for a local DynamoDB, such as that of a running demo');
  }
  if (endpoint !== undefined && !isLoopbackUrl(endpoint)) throw new UsageError(`DYNAMODB_ENDPOINT is ${endpoint}: expected a loopback URL`);
  const region = endpoint === undefined ? env['AWS_REGION'] : 'us-east-1';
  if (!region) throw new UsageError('AWS_REGION is not set: which region is the stage in?');
  const dynamo = dynamoClient({
    AWS_REGION: region,
    LOCAL_MODE: endpoint !== undefined,
    DYNAMODB_ENDPOINT: endpoint,
    // local mode wants every endpoint; nothing else is called
    KINESIS_ENDPOINT: endpoint,
    SNS_ENDPOINT: endpoint,
  });
  const table = flags.table ?? env['ALERTS_TABLE'] ?? 'fraud-alerts';
  try {
    const place = { stage: flags.stage ?? 'local', account: await accountOf(dynamo, table), region };
    note(
      `${flags.stage === undefined ? `local ${endpoint}` : `stage ${flags.stage}`}: account ${place.account}, region ${region}, table ${table}`,
    );
    return { dynamo, table, isLocal: endpoint !== undefined, place };
  } catch (error) {
    dynamo.destroy();
    throw error;
  }
}

/** The account that the table belongs to, from its ARN. */
async function accountOf(dynamo: DynamoDBClient, table: string): Promise<string> {
  try {
    const { Table } = await dynamo.send(new DescribeTableCommand({ TableName: table }));
    return Table?.TableArn?.split(':')[4] ?? 'unknown';
  } catch (cause) {
    const why = cause instanceof ResourceNotFoundException ? 'there is no such table (--table NAME)' : ensureError(cause).message;
    throw new PlatformError('TABLE_UNAVAILABLE', `table ${table}: ${why}`, { cause });
  }
}
