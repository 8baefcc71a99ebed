import { loadConfig } from '../lib/process/config.ts';
import { ensureError, isPlatformError } from '../lib/process/errors.ts';
import { createLogger, type Logger } from '../lib/process/log.ts';
import { requireCopyRole } from '../lib/warehouse/copy-role.ts';
import { requireSchema } from '../lib/warehouse/migrations.ts';
import { requireRights } from '../lib/warehouse/rights.ts';
import { redshiftLoader } from './service.ts';
import { type StartProblem, startProblem } from './start-problem.ts';
import { copyRoleOf, type LoaderConfig, warehouseOf } from './warehouse-target.ts';

/** Before the launcher starts anything: ends with 1 when files would be staged for a warehouse that never takes them. */
export async function refuseBadWarehouse(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  if (argv[0] === 'child') return;
  const log = createLogger(redshiftLoader.name, 'info', (line) => void process.stdout.write(line));
  if (!(await mayStart(env, log))) process.exit(1);
}

/**
 * False, with the reason logged, when host, certificate, login, database, table, right, COPY role or schema version is wrong.
 * A warehouse that is away, full or in maintenance is no reason not to start: files are staged and wait for it.
 */
export async function mayStart(env: NodeJS.ProcessEnv, log: Logger): Promise<boolean> {
  let config: LoaderConfig | undefined;
  try {
    config = loadConfig(redshiftLoader.config, env);
    await tryWarehouse(config);
    return true;
  } catch (thrown) {
    const error = ensureError(thrown);
    if (isPlatformError(error) && error.retriable) {
      log.warn({ event: 'warehouse.away', err: error }, 'the warehouse does not answer: files are staged until it does');
      return true;
    }
    const problem = config && startProblem(error, config);
    const line = { event: 'launcher.failed', ...problem, problems: error.message.split('\n'), err: error };
    log.error(line, `${redshiftLoader.name} cannot run: ${[error.message, ...hints(error, problem)].join('; ')}`);
    return false;
  }
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
