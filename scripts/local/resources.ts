import { CreateTableCommand, type DynamoDBClient, UpdateTimeToLiveCommand, waitUntilTableExists } from '@aws-sdk/client-dynamodb';
import { CreateStreamCommand, type KinesisClient, waitUntilStreamExists } from '@aws-sdk/client-kinesis';
import { CreateTopicCommand } from '@aws-sdk/client-sns';
import { awsConfig, dynamoClient, kinesisClient, snsClient } from '../../services/lib/process/aws.ts';
import { loadConfig } from '../../services/lib/process/config.ts';
import type { KeyAttribute, ServiceDefinition, StreamDefinition, TableDefinition } from '../../services/lib/process/service.ts';
import type { LocalStack } from './stack.ts';

const wait = { maxWaitTime: 30, minDelay: 0.05, maxDelay: 0.2 };

/**
 * Makes the streams, tables and topics that the services declare in their service.ts, and waits until all can be used.
 * `shards` overrides a stream's `localShards`. The stack must be fresh: what exists already is an error.
 */
export async function createResources(
  stack: Pick<LocalStack, 'environment'>,
  definitions: readonly ServiceDefinition[],
  options: { readonly shards?: Readonly<Record<string, number>> } = {},
): Promise<void> {
  const config = loadConfig(awsConfig, stack.environment());
  const streams = byName(
    definitions.flatMap(({ consumes, produces }) => [...(consumes ? [consumes.stream] : []), ...produces.map((p) => p.stream)]),
  );
  const tables = byName(definitions.flatMap(({ tables, readsTables = [] }) => [...tables, ...readsTables]));
  const topics = byName(
    definitions.flatMap((definition) => [...definition.topics, ...(definition.subscribes ?? []).map(({ topic }) => topic)]),
  );
  const clients = { kinesis: kinesisClient(config), dynamo: dynamoClient(config), sns: snsClient(config) };
  try {
    await Promise.all([
      ...streams.map((stream) => createStream(clients.kinesis, stream, options.shards?.[stream.name] ?? stream.localShards)),
      ...tables.map((table) => createTable(clients.dynamo, table)),
      ...topics.map(({ name }) => clients.sns.send(new CreateTopicCommand({ Name: name }))),
    ]);
  } finally {
    for (const client of Object.values(clients)) client.destroy();
  }
}

/** Several services may name the same stream. */
const byName = <T extends { readonly name: string }>(things: readonly T[]): T[] => [
  ...new Map(things.map((thing) => [thing.name, thing])).values(),
];

async function createStream(client: KinesisClient, stream: StreamDefinition, shards: number): Promise<void> {
  await client.send(new CreateStreamCommand({ StreamName: stream.name, ShardCount: shards }));
  await waitUntilStreamExists({ client, ...wait }, { StreamName: stream.name });
}

async function createTable(client: DynamoDBClient, table: TableDefinition): Promise<void> {
  const indexes = table.indexes ?? [];
  await client.send(
    new CreateTableCommand({
      TableName: table.name,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: byAttribute([table, ...indexes].flatMap(keysOf)).map(({ name, type }) => ({
        AttributeName: name,
        AttributeType: type,
      })),
      KeySchema: keySchema(table),
      ...(indexes.length > 0 && {
        GlobalSecondaryIndexes: indexes.map((index) => ({
          IndexName: index.name,
          KeySchema: keySchema(index),
          Projection: { ProjectionType: 'ALL' as const },
        })),
      }),
    }),
  );
  await waitUntilTableExists({ client, ...wait }, { TableName: table.name });
  if (table.ttlAttribute === undefined) return;
  const TimeToLiveSpecification = { AttributeName: table.ttlAttribute, Enabled: true };
  await client.send(new UpdateTimeToLiveCommand({ TableName: table.name, TimeToLiveSpecification }));
}

type Keys = Pick<TableDefinition, 'partitionKey' | 'sortKey'>;
const keysOf = ({ partitionKey, sortKey }: Keys): KeyAttribute[] => (sortKey === undefined ? [partitionKey] : [partitionKey, sortKey]);
const byAttribute = byName<KeyAttribute>;

const keySchema = (keys: Keys) =>
  keysOf(keys).map(({ name }, position) => ({ AttributeName: name, KeyType: position === 0 ? ('HASH' as const) : ('RANGE' as const) }));
