import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { startDynamo } from './dynamodb/dynamodb.ts';
import { type KinesisSettings, startKinesisProcess } from './kinesis/kinesis.ts';
import { partEnvironment, serviceEnvironment } from './local-environment.ts';
import { startMailCatcher } from './mail/mail.ts';
import { startPostgres } from './postgres/postgres.ts';
import { PostgresServer } from './postgres-server/postgres-server.ts';
import type { ManagedProcess } from './process/managed-process.ts';
import { type CaughtMessage, type SnsCatcher, startSnsCatcher, topicArn } from './sns/sns.ts';

export { createResources } from './resources.ts';

const partNames = ['kinesis', 'dynamodb', 'postgres', 'sns', 'mail'] as const;
export type Part = (typeof partNames)[number];

export interface StackOptions {
  /** Everything the run writes lies in here. */
  readonly runDir: string;
  /** @default all but mail */
  readonly parts?: readonly Part[];
  /** What the part postgres is: PGlite, or the PostgreSQL of the machine. @default pglite */
  readonly warehouse?: 'pglite' | 'server';
  readonly kinesis?: KinesisSettings;
  /** Called when a part has become ready. */
  readonly onProgress?: (part: Part, ms: number) => void;
}

/** The local stand-ins for what AWS provides, each on 127.0.0.1 and a free port. An endpoint whose part was not asked for is ''. */
export interface LocalStack {
  readonly runDir: string;
  readonly kinesisEndpoint: string;
  readonly dynamoEndpoint: string;
  readonly snsEndpoint: string;
  readonly smtpPort: number | undefined;
  /** postgres://... */
  readonly warehouseUrl: string;
  /** file:///... */
  readonly objectsUrl: string;
  /** The processes, to be watched or killed by a drill. */
  readonly processes: readonly ManagedProcess[];
  /** The whole environment of a service. */
  environment(): Record<string, string>;
  /** What was published to SNS, in order of arrival. */
  caught(): readonly CaughtMessage[];
  /** Undefined when that part was not asked for. */
  readonly sns: SnsCatcher | undefined;
  /** The warehouse, when it is the PostgreSQL of the machine: a drill may stop it and start it again. */
  readonly postgresServer: PostgresServer | undefined;
  /** Resolves when no process and no port is left. */
  stop(): Promise<void>;
}

const defaultParts: readonly Part[] = ['kinesis', 'dynamodb', 'postgres', 'sns'];
const root = fileURLToPath(new URL('../..', import.meta.url));
const stopDeadlineMs = 5_000;

/** What the parts have become so far; a part that was not asked for stays undefined. */
interface Started {
  kinesis?: { endpoint: string; process: ManagedProcess };
  dynamodb?: { endpoint: string; process: ManagedProcess };
  postgres?: { url: string; process: ManagedProcess };
  postgresServer?: PostgresServer;
  sns?: SnsCatcher;
  mail?: { port: number; close(): Promise<void> };
}

/** Starts all parts at once. When one cannot start, the others are stopped and its error is thrown: nothing stays half-started. */
export async function startStack(options: StackOptions): Promise<LocalStack> {
  const runDir = resolve(options.runDir);
  const objects = join(runDir, 'objects');
  mkdirSync(objects, { recursive: true });
  const env = partEnvironment(runDir);
  const logFile = (part: Part): string => join(runDir, 'logs', `${part}.log`);
  const started: Started = {};

  const starters: Record<Part, () => Promise<unknown>> = {
    kinesis: async () => {
      started.kinesis = await startKinesisProcess({ ...options.kinesis, env, logFile: logFile('kinesis') });
    },
    dynamodb: async () => {
      const jars = join(root, '.jars', 'dynamodb-local');
      started.dynamodb = await startDynamo({ jars, env, cwd: runDir, logFile: logFile('dynamodb') });
    },
    postgres: async () => {
      if (options.warehouse === 'server') {
        started.postgresServer = await PostgresServer.start({ folder: join(runDir, 'warehouse'), logFile: logFile('postgres') });
        return;
      }
      started.postgres = await startPostgres({ dataDir: join(runDir, 'warehouse'), env, logFile: logFile('postgres') });
    },
    sns: async () => {
      started.sns = await startSnsCatcher({ file: join(runDir, 'sns.ndjson') });
    },
    mail: async () => {
      started.mail = await startMailCatcher({ file: join(runDir, 'mail.ndjson') });
    },
  };
  const startedAt = performance.now();
  const results = await Promise.allSettled(
    (options.parts ?? defaultParts).map(async (part) => {
      await starters[part]();
      options.onProgress?.(part, Math.round(performance.now() - startedAt));
    }),
  );
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    await stopAll(started);
    throw failed.reason;
  }
  const warehouseUrl = started.postgres?.url ?? started.postgresServer?.url;
  return {
    runDir,
    kinesisEndpoint: started.kinesis?.endpoint ?? '',
    dynamoEndpoint: started.dynamodb?.endpoint ?? '',
    snsEndpoint: started.sns?.endpoint ?? '',
    smtpPort: started.mail?.port,
    warehouseUrl: warehouseUrl ?? '',
    objectsUrl: pathToFileURL(objects).href,
    processes: processesOf(started),
    environment: () =>
      serviceEnvironment(runDir, {
        ...(started.kinesis && { kinesis: started.kinesis.endpoint }),
        ...(started.dynamodb && { dynamo: started.dynamodb.endpoint }),
        ...(started.sns && { sns: started.sns.endpoint }),
        ...(warehouseUrl !== undefined && { warehouse: warehouseUrl }),
        objects: pathToFileURL(objects).href,
        alertsTopicArn: topicArn('fraud-alerts'),
        kclJars: join(root, '.jars', 'kcl'),
      }),
    caught: () => started.sns?.caught() ?? [],
    sns: started.sns,
    postgresServer: started.postgresServer,
    stop: () => stopAll(started),
  };
}

const processesOf = ({ kinesis, dynamodb, postgres }: Started): ManagedProcess[] =>
  [kinesis, dynamodb, postgres].flatMap((part) => (part === undefined ? [] : [part.process]));

async function stopAll(started: Started): Promise<void> {
  await Promise.all([
    ...processesOf(started).map((process) => process.stop('SIGTERM', stopDeadlineMs)),
    started.postgresServer?.stop(),
    started.sns?.close(),
    started.mail?.close(),
  ]);
}
