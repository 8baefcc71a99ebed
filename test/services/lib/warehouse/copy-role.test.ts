import assert from 'node:assert/strict';
import { copyRoleProbe, requireCopyRole } from '../../../../services/lib/warehouse/copy-role.ts';
import type { Session } from '../../../../services/lib/warehouse/database.ts';
import { warehouseError } from '../../../../services/lib/warehouse/pg-errors.ts';

const role = 'arn:aws:iam::123456789012:role/copy';

/** Answers the probe as public reports say that Redshift does; it has not run against one. */
const answering = (message: string, code = 'XX000'): Session => ({
  dialect: 'redshift',
  query: async () => {
    throw warehouseError(Object.assign(new Error(message), { code }), 'COPY');
  },
  copyIn: async () => {},
  close: async () => {},
});

describe('COPY role', () => {
  it('is tried by a COPY that cannot load anything', () => {
    assert.equal(
      copyRoleProbe('s3://bucket/prefix/', role),
      `COPY booking_event FROM 's3://bucket/prefix/stage/nothing-is-here/' IAM_ROLE '${role}' CSV GZIP NOLOAD`,
    );
  });

  it('that the warehouse cannot take on, or that may not read the stage, is refused', async () => {
    for (const message of [
      `User arn:aws:redshift:eu-west-1:123456789012:dbuser:wg/u is not authorized to assume IAM Role ${role}`,
      `exception name : UnauthorizedException, error type : 135, message: Not authorized to get credentials of role ${role}`,
      'S3ServiceException:Access Denied,Status 403,Error AccessDenied',
    ]) {
      const refused = requireCopyRole(answering(message), 's3://bucket/prefix', role);
      await assert.rejects(refused, { code: 'WAREHOUSE_REFUSED', fault: 'copy-role', remedy: /attach the role/ });
    }
  });

  it('is right when S3 says that nothing is there; what the probe cannot tell is left to the first load', async () => {
    await requireCopyRole(answering("The specified S3 prefix 'prefix/stage/nothing-is-here/' does not exist"), 's3://bucket/prefix', role);
    await requireCopyRole(answering('something new'), 's3://bucket/prefix', role);
    const away = requireCopyRole(answering('terminating connection', '57P01'), 's3://bucket/prefix', role);
    await assert.rejects(away, { code: 'WAREHOUSE_UNAVAILABLE' });
  });
});
