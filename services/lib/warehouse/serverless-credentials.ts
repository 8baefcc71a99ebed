import { GetCredentialsCommand, RedshiftServerlessClient } from '@aws-sdk/client-redshift-serverless';
import { httpHandler, localCredentials } from '../process/aws.ts';
import { canPass } from '../process/aws-errors.ts';
import { ensureError, PlatformError } from '../process/errors.ts';
import type { IssuedLogin } from './credentials.ts';
import { warehouseFault } from './pg-errors.ts';
import type { WorkgroupLogin } from './target.ts';

/** The longest that GetCredentials issues (900 to 3,600 s): it stays in memory, and asking rarely survives an API that is away. */
const durationSeconds = 3_600;
const requestTimeoutMs = 10_000;

/** The stand-in is asked under dummy credentials: a local run never reaches an account. */
export const serverlessClient = (region: string, endpoint: string | undefined): RedshiftServerlessClient =>
  new RedshiftServerlessClient({
    region,
    maxAttempts: 4,
    requestHandler: httpHandler(requestTimeoutMs),
    ...(endpoint === undefined ? {} : { endpoint, credentials: localCredentials }),
  });

/** A temporary login; its user is `IAMR:role` or `IAM:user`, which Redshift creates, without rights, when it logs in first. */
export async function issueLogin(client: RedshiftServerlessClient, { workgroup }: WorkgroupLogin, database: string): Promise<IssuedLogin> {
  const { dbUser, dbPassword, expiration } = await client
    .send(new GetCredentialsCommand({ workgroupName: workgroup, dbName: database, durationSeconds }))
    .catch((cause: unknown) => {
      throw refused(ensureError(cause), workgroup);
    });
  if (dbUser === undefined || dbPassword === undefined || expiration === undefined) {
    throw new PlatformError('PROTOCOL', 'GetCredentials answered without user, password or expiration');
  }
  return { user: dbUser, password: dbPassword, expiresAt: expiration.getTime() };
}

function refused(error: Error, workgroup: string): PlatformError {
  const message = `no login for workgroup ${workgroup}: ${error.name}: ${error.message}`;
  if (canPass(error)) return warehouseFault('away', message, error);
  return warehouseFault('login', message, error, remedies[error.name] ?? 'give the process credentials that AWS accepts');
}

const workgroupRemedy = 'correct the workgroup or the database of WAREHOUSE_URL, or AWS_REGION';
const remedies: Readonly<Record<string, string>> = {
  AccessDeniedException: 'allow redshift-serverless:GetCredentials on the workgroup to the role of this process',
  ResourceNotFoundException: workgroupRemedy,
  ValidationException: workgroupRemedy,
};
