import { dynamoClient } from '../lib/process/aws.ts';
import { loadConfig } from '../lib/process/config.ts';
import { ensureError, isPlatformError } from '../lib/process/errors.ts';
import { createLogger, type Logger } from '../lib/process/log.ts';
import { requireCopyRole } from '../lib/warehouse/copy-role.ts';
import { requireSchema } from '../lib/warehouse/migrations.ts';
import { requireRights } from '../lib/warehouse/rights.ts';
import { DynamoLoadRegistry } from './registry/registry.ts';
import { redshiftLoader } from './service.ts';
import { type StartProblem, startProblem } from './start-problem.ts';
import { copyRoleOf, type LoaderConfig, warehouseOf } from './warehouse-target.ts';

/** A key must not be empty. */
const noShard = 'preflight';

/** Before the launcher starts anything: ends with 1 when files would be staged for a warehouse that never takes them. */
export async function refuseBadWarehouse(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  if (argv[0] === 'child') return;
  const log = createLogger(redshiftLoader.name, 'info', (line) => void process.stdout.write(line));
  if (!(await mayStart(env, log))) process.exit(1);
}

/**
 * False, with the reason logged, when host, certificate, login, database, table, right, COPY role or schema version is wrong, or the
 * registry's table or the right to read it is missing. A warehouse that is away, full or in maintenance is no reason not to start:
 * files are staged and wait for it; nor is a registry that is away.
 */
export async function mayStart(env: NodeJS.ProcessEnv, log: Logger, askRegistry = tryRegistry): Promise<boolean> {
  let config: LoaderConfig | undefined;
  try {
    config = loadConfig(redshiftLoader.config, env);
    await tryWarehouse(config);
  } catch (thrown) {
    const error = ensureError(thrown);
    if (!isPlatformError(error) || !error.retriable) return refuse(log, error, config && startProblem(error, config));
    log.warn({ event: 'warehouse.away', err: error }, 'the warehouse does not answer: files are staged until it does');
  }
  return config !== undefined && mayRegister(config, log, askRegistry);
}

async function mayRegister(config: LoaderConfig, log: Logger, ask: typeof tryRegistry): Promise<boolean> {
  try {
    await ask(config);
  } catch (thrown) {
    const error = ensureError(thrown);
    if (!isPlatformError(error) || !error.retriable) return refuse(log, error, registryProblem(error, config));
    log.warn({ event: 'registry.away', err: error }, 'the registry does not answer: records wait in the stream until it does');
  }
  return true;
}

function refuse(log: Logger, error: Error, problem: StartProblem | undefined): false {
  const line = { event: 'launcher.failed', ...problem, problems: error.message.split('\n'), err: error };
  log.error(line, `${redshiftLoader.name} cannot run: ${[error.message, ...hints(error, problem)].join('; ')}`);
  return false;
}

function hints({ message }: Error, problem: StartProblem | undefined): string[] {
  if (problem === undefined) return [];
  const { key, expected, remedy } = problem;
  return [`${key}: expected ${expected}`, ...(message.includes(remedy) ? [] : [remedy])];
}

async function tryWarehouse(config: LoaderConfig): Promise<void> {
  const database = warehouseOf(config);
  const role = database.dialect === 'redshift' ? copyRoleOf(config) : undefined;
  const session = await database.connect();
  try {
    await requireRights(session).catch(async (error: unknown) => {
      if (isPlatformError(error, 'WAREHOUSE_SCHEMA')) await requireSchema(session); // it says which version is missing
      throw error;
    });
    await requireSchema(session);
    if (role !== undefined) await requireCopyRole(session, config.OBJECTS_URL, role);
  } finally {
    await session.close();
  }
}

/** One read of each kind, of keys that need not be there. Rejects with TABLE_UNAVAILABLE. */
async function tryRegistry(config: LoaderConfig): Promise<void> {
  const dynamo = dynamoClient(config);
  try {
    const registry = new DynamoLoadRegistry(dynamo, config.REGISTRY_TABLE, config.APPLICATION ?? redshiftLoader.name, config.EVENTS_STREAM);
    await registry.heads();
    await registry.head(noShard);
  } finally {
    dynamo.destroy();
  }
}

function registryProblem(error: Error, { REGISTRY_TABLE: value, AWS_REGION: region }: LoaderConfig): StartProblem | undefined {
  if (!isPlatformError(error, 'TABLE_UNAVAILABLE')) return undefined;
  const denied = error.cause instanceof Error && error.cause.name === 'AccessDeniedException';
  return {
    code: error.code,
    key: 'REGISTRY_TABLE',
    value,
    expected: `a table in ${region} with the keys pk and sk that the task's role may read`,
    remedy: denied
      ? `give the task's role dynamodb:GetItem and dynamodb:Query on ${value}`
      : 'correct REGISTRY_TABLE or AWS_REGION, or create the table',
  };
}
