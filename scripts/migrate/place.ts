import { GetWorkgroupCommand, type RedshiftServerlessClient } from '@aws-sdk/client-redshift-serverless';
import { isLoopbackUrl } from '../../services/lib/process/config.ts';
import { ensureError } from '../../services/lib/process/errors.ts';
import type { Access, Database } from '../../services/lib/warehouse/database.ts';
import { warehouseFault } from '../../services/lib/warehouse/pg-errors.ts';
import { parseTarget } from '../../services/lib/warehouse/target.ts';
import { UsageError } from '../cli/flags.ts';
import type { MigrateFlags } from './flags.ts';

export interface Place {
  readonly stage: string;
  readonly account: string;
  readonly region: string;
  /** Its URL without the password. */
  readonly warehouse: string;
}

export interface PlaceIo {
  readonly env: NodeJS.ProcessEnv;
  /** For people. */
  readonly note: (line: string) => void;
  readonly open: (url: string, access: Access) => Database;
  /** The AWS account of a workgroup. */
  readonly accountOf: (region: string, workgroup: string) => Promise<string>;
}

/** As for a service: an empty variable is none. */
export const setIn = (env: NodeJS.ProcessEnv, key: string): string | undefined => env[key] || undefined;

/** The warehouse on loopback, or the stage's in the shell's account and region; `note` is told which. Throws UsageError. */
export async function openWarehouse(
  flags: Pick<MigrateFlags, 'stage' | 'url' | 'ca-file'>,
  io: PlaceIo,
): Promise<{ readonly database: Database; readonly place: Place }> {
  const { stage } = flags;
  const url = flags.url ?? setIn(io.env, 'WAREHOUSE_URL');
  if (url === undefined)
    throw new UsageError('which warehouse? --url URL or WAREHOUSE_URL; for one that is not on loopback --stage STAGE too');
  const { login, shown } = parseTarget(url);
  const loopback = isLoopbackUrl(url);
  if (stage === undefined && !loopback) throw new UsageError(`${shown} is not on loopback: --stage STAGE says that it is meant`);
  if (stage !== undefined && loopback) throw new UsageError(`${shown} is on loopback: it is no stage's`);
  const region = stage === undefined ? 'us-east-1' : io.env['AWS_REGION'];
  if (!region) throw new UsageError('AWS_REGION is not set: which region is the stage in?');
  const caFile = flags['ca-file'] ?? setIn(io.env, 'WAREHOUSE_CA_FILE');
  const database = io.open(url, { region, ...(caFile === undefined ? {} : { caFile }) });
  const account = stage === undefined ? 'none' : login.kind === 'workgroup' ? await io.accountOf(region, login.workgroup) : 'unknown';
  const place = { stage: stage ?? 'local', account, region: stage === undefined ? 'none' : region, warehouse: shown };
  io.note(stage === undefined ? `local warehouse ${shown}` : `stage ${stage}: account ${account}, region ${region}, warehouse ${shown}`);
  return { database, place };
}

/** Rejects with WAREHOUSE_REFUSED. */
export async function accountOf(client: RedshiftServerlessClient, workgroup: string): Promise<string> {
  try {
    const answer = await client.send(new GetWorkgroupCommand({ workgroupName: workgroup }));
    return answer.workgroup?.workgroupArn?.split(':')[4] ?? 'unknown';
  } catch (thrown) {
    const { name, message } = ensureError(thrown);
    const remedy = 'the shell needs AWS credentials that may redshift-serverless:GetWorkgroup and redshift-serverless:GetCredentials';
    throw warehouseFault('login', `workgroup ${workgroup}: ${name}: ${message}`, thrown, remedy);
  }
}
