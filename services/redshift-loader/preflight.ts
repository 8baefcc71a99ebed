import { loadConfig } from '../lib/process/config.ts';
import { ensureError, isPlatformError } from '../lib/process/errors.ts';
import { createLogger } from '../lib/process/log.ts';
import { requireSchema } from '../lib/warehouse/migrations.ts';
import { redshiftLoader } from './service.ts';
import { warehouseOf } from './warehouse-target.ts';

/**
 * Before the launcher starts anything: ends with 1 when the warehouse stands below the schema this build needs, or its URL is wrong.
 * A warehouse that does not answer is no reason not to start: files are staged and wait for it, and the first commit checks again.
 */
export async function refuseOldSchema(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  if (argv[0] === 'child') return;
  const log = createLogger(redshiftLoader.name, 'info', (line) => void process.stdout.write(line));
  try {
    const session = await warehouseOf(loadConfig(redshiftLoader.config, env)).connect();
    try {
      await requireSchema(session);
    } finally {
      await session.close();
    }
  } catch (thrown) {
    const error = ensureError(thrown);
    if (isPlatformError(error, 'WAREHOUSE_UNAVAILABLE')) {
      log.warn({ event: 'warehouse.away', err: error }, 'the warehouse does not answer: files are staged until it does');
      return;
    }
    log.error(
      { event: 'launcher.failed', problems: error.message.split('\n'), err: error },
      `${redshiftLoader.name} cannot run: ${error.message}`,
    );
    process.exit(1);
  }
}
