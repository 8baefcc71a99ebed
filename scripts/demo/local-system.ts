import { join } from 'node:path';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { KinesisClient } from '@aws-sdk/client-kinesis';
import { accountGuard } from '../../services/account-guard/service.ts';
import { eventRouter } from '../../services/event-router/service.ts';
import { fraudDetector } from '../../services/fraud-detector/service.ts';
import type { ObjectStore } from '../../services/lib/objects/object-store.ts';
import { openObjectStore } from '../../services/lib/objects/open.ts';
import { awsConfig, dynamoClient, kinesisClient } from '../../services/lib/process/aws.ts';
import { loadConfig } from '../../services/lib/process/config.ts';
import { type Database, openDatabase } from '../../services/lib/warehouse/database.ts';
import { prepareWarehouse } from '../../services/lib/warehouse/prepare.ts';
import { redshiftLoader } from '../../services/redshift-loader/service.ts';
import { createResources, type LocalStack, type StackOptions, startStack } from '../local/stack.ts';
import { type DemoFlags, type ServiceName, type StreamName, serviceNames } from './flags.ts';
import { type GuardProcess, startGuard } from './guard-process.ts';
import type { RunFolder } from './run-folder.ts';
import { ServiceProcess, serviceStopMs } from './service-process.ts';

export interface LocalSystem {
  readonly stack: LocalStack;
  /** The first task of each. */
  readonly services: Readonly<Record<ServiceName, ServiceProcess>>;
  readonly tasks: (name: ServiceName) => readonly ServiceProcess[];
  /** One more, which is not started yet. */
  readonly addTask: (name: ServiceName) => ServiceProcess;
  readonly guard: GuardProcess;
  readonly kinesis: KinesisClient;
  readonly dynamo: DynamoDBClient;
  readonly objects: ObjectStore;
  readonly warehouse: Database;
  /** Services first, then what they stand on. Resolves when no process and no port is left. */
  stop(): Promise<void>;
}

export type ServiceSettings = Readonly<Partial<Record<ServiceName, Readonly<Record<string, string>>>>>;

export interface LocalSystemOptions {
  readonly folder: RunFolder;
  readonly shards: Readonly<Record<StreamName, number>>;
  readonly kinesisBytes: number;
  readonly retrieval: DemoFlags['retrieval'];
  readonly warehouse?: StackOptions['warehouse'];
  /** Configuration over what the local stack gives; asked when the stack is up, before any service is started. */
  readonly settings?: (stack: LocalStack) => Promise<ServiceSettings>;
  readonly onProgress: (text: string) => void;
  /** A service ended although nobody asked it to. */
  readonly onFailure: (error: Error) => void;
  readonly signal: AbortSignal;
}

/** Fast enough to watch: a stage's own values are minutes. */
const demoSettings: Readonly<Record<ServiceName, Readonly<Record<string, string>>>> = {
  'event-router': {},
  'fraud-detector': { SNAPSHOT_INTERVAL_MS: '3000' },
  'redshift-loader': { FLUSH_AGE_MS: '1500', COMMIT_INTERVAL_MS: '2000', ALERTS_INTERVAL_MS: '2000' },
};

// The one session of the local warehouse may be in a load of tens of thousands of rows when we ask.
const warehouseLimits = { connectMs: 20_000, statementMs: 60_000, lockMs: 20_000 };

const businessTimeZone = 'UTC';

/** Starts local parts, streams, tables, warehouse and services. When something cannot start, all of it is stopped again. */
export async function startLocalSystem(options: LocalSystemOptions): Promise<LocalSystem> {
  const { folder, signal, onProgress } = options;
  const stack = await startStack({
    runDir: folder.path,
    kinesis: { limits: true, maxBytes: options.kinesisBytes },
    warehouse: options.warehouse ?? 'pglite',
    onProgress: (part, ms) => onProgress(`${part} is up after ${seconds(ms)}`),
  });
  const environment = { ...stack.environment(), TMPDIR: folder.temporary, KCL_RETRIEVAL_MODE: options.retrieval.toUpperCase() };
  const aws = loadConfig(awsConfig, environment);
  const kinesis = kinesisClient(aws);
  const dynamo = dynamoClient(aws);
  const settings = await orStop(stack, async () => (await options.settings?.(stack)) ?? {});
  const guard = await orStop(stack, () => startGuard({ stack, env: environment, onFailure: options.onFailure }));
  const tasks: ServiceProcess[] = [];
  const tasksOf = (name: ServiceName): ServiceProcess[] => tasks.filter((task) => task.name === name);
  const addTask = (name: ServiceName): ServiceProcess => {
    const number = tasksOf(name).length + 1;
    const id = number === 1 ? name : `${name}-${number}`;
    const own = { ...demoSettings[name], ...settings[name], WORKER_ID: `demo-${id}`, STOP_DEADLINE_MS: String(serviceStopMs) };
    const logFile = join(folder.path, 'logs', `${id}.log`);
    const task = new ServiceProcess({ name, id, env: { ...environment, ...own }, logFile, onFailure: options.onFailure });
    tasks.push(task);
    return task;
  };
  const services = Object.fromEntries(serviceNames.map((name) => [name, addTask(name)])) as Record<ServiceName, ServiceProcess>;
  const system: LocalSystem = {
    stack,
    services,
    tasks: tasksOf,
    addTask,
    guard,
    kinesis,
    dynamo,
    objects: openObjectStore(stack.objectsUrl, aws),
    warehouse: openDatabase(stack.warehouseUrl, warehouseLimits),
    async stop() {
      await Promise.all(tasks.map((task) => task.stop()));
      await guard.stop();
      kinesis.destroy();
      dynamo.destroy();
      await stack.stop();
    },
  };
  try {
    signal.throwIfAborted();
    await Promise.all([
      createResources(stack, [eventRouter, fraudDetector, redshiftLoader, accountGuard], { shards: options.shards }),
      prepareWarehouse(system.warehouse, businessTimeZone),
    ]);
    signal.throwIfAborted();
    onProgress(`streams, tables and warehouse are there after ${seconds(performance.now())}`);
    await allDone(serviceNames.map((name) => services[name].start()));
    return system;
  } catch (error) {
    await system.stop();
    throw error;
  }
}

/** What has to be there before anything stands on the stack. */
async function orStop<T>(stack: LocalStack, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await stack.stop();
    throw error;
  }
}

/** Rejects with the first error, but only when nothing is under way any more. */
async function allDone(work: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(work);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
