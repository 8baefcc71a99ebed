import type { Session } from './database.ts';
import { WarehouseError } from './pg-errors.ts';
import { literal } from './sql.ts';

/**
 * A COPY that cannot load: NOLOAD, from a prefix where nothing is. The role is taken on and S3 is asked before that is found out.
 * has_assumerole_privilege tells less: it was seen to say true of a role that COPY could not take on.
 */
export const copyRoleProbe = (storeUrl: string, roleArn: string): string =>
  `COPY booking_event FROM ${literal(`${storeUrl.replace(/\/+$/, '')}/stage/nothing-is-here/`)} IAM_ROLE ${literal(roleArn)} CSV GZIP NOLOAD`;

/**
 * Redshift alone. Rejects with WAREHOUSE_REFUSED when the role cannot be taken on or may not read the stage. By the documentation and
 * by the texts of public reports; it has not run against a Redshift. An error that says anything else is no reason not to start.
 */
export async function requireCopyRole(session: Session, storeUrl: string, roleArn: string): Promise<void> {
  try {
    await session.query(copyRoleProbe(storeUrl, roleArn));
  } catch (error) {
    if (error instanceof WarehouseError && (error.fault === 'copy-role' || error.retriable)) throw error;
  }
}
