import assert from 'node:assert/strict';
import { WarehouseError, type WarehouseFault, warehouseError } from '../../../../services/lib/warehouse/pg-errors.ts';

const coded = (code: string, message = 'x', detail?: string): Error => Object.assign(new Error(message), { code, detail });
const role = 'arn:aws:iam::123456789012:role/copy';

/** Texts of Redshift as public reports have them (pg-errors.ts names the sources). */
const cases: readonly (readonly [Error, string, WarehouseFault, boolean])[] = [
  [coded('40001'), 'WAREHOUSE_CONFLICT', 'conflict', true],
  [coded('40P01'), 'WAREHOUSE_CONFLICT', 'conflict', true],
  [coded('55P03'), 'WAREHOUSE_CONFLICT', 'conflict', true],
  [coded('57014'), 'WAREHOUSE_CONFLICT', 'slow', true],
  [coded('XX000', '1023', 'Serializable isolation violation on table - 100, transactions…'), 'WAREHOUSE_CONFLICT', 'conflict', true],
  [coded('XX000', '1023 DETAIL: Serializable isolation violation on table'), 'WAREHOUSE_CONFLICT', 'conflict', true],
  [coded('XX000', 'could not complete because of conflict with concurrent transaction'), 'WAREHOUSE_CONFLICT', 'conflict', true],
  [coded('53100'), 'WAREHOUSE_FULL', 'full', true],
  [coded('XX000', 'Disk Full', 'error: Disk Full\ncode: 1016\ncontext: node: 3'), 'WAREHOUSE_FULL', 'full', true],
  [coded('57P01', 'terminating connection due to administrator command'), 'WAREHOUSE_UNAVAILABLE', 'maintenance', true],
  [coded('57P03', 'the database system is starting up'), 'WAREHOUSE_UNAVAILABLE', 'maintenance', true],
  [coded('ECONNRESET'), 'WAREHOUSE_UNAVAILABLE', 'maintenance', true],
  [new Error('Connection terminated unexpectedly'), 'WAREHOUSE_UNAVAILABLE', 'maintenance', true],
  [coded('ECONNREFUSED'), 'WAREHOUSE_UNAVAILABLE', 'away', true],
  [coded('EAI_AGAIN'), 'WAREHOUSE_UNAVAILABLE', 'away', true],
  [new Error('timeout expired'), 'WAREHOUSE_UNAVAILABLE', 'away', true],
  [coded('53300', 'sorry, too many clients already'), 'WAREHOUSE_UNAVAILABLE', 'away', true],
  [coded('25P03'), 'WAREHOUSE_UNAVAILABLE', 'away', true],
  [coded('ENOTFOUND'), 'WAREHOUSE_REFUSED', 'host', false],
  [coded('28P01', 'password authentication failed for user "x"'), 'WAREHOUSE_REFUSED', 'login', false],
  [coded('3D000', 'database "x" does not exist'), 'WAREHOUSE_REFUSED', 'database', false],
  [coded('42501', 'permission denied for table booking'), 'WAREHOUSE_REFUSED', 'right', false],
  [coded('CERT_HAS_EXPIRED'), 'WAREHOUSE_REFUSED', 'certificate', false],
  [coded('DEPTH_ZERO_SELF_SIGNED_CERT'), 'WAREHOUSE_REFUSED', 'certificate', false],
  [coded('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'WAREHOUSE_REFUSED', 'certificate', false],
  [coded('ERR_TLS_CERT_ALTNAME_INVALID'), 'WAREHOUSE_REFUSED', 'certificate', false],
  [new Error('The server does not support SSL connections'), 'WAREHOUSE_REFUSED', 'certificate', false],
  [coded('XX000', `User arn:x:dbuser:c/u is not authorized to assume IAM Role ${role}`), 'WAREHOUSE_REFUSED', 'copy-role', false],
  [coded('XX000', `UnauthorizedException: Not authorized to get credentials of role ${role}`), 'WAREHOUSE_REFUSED', 'copy-role', false],
  [coded('XX000', 'S3ServiceException:Access Denied,Status 403,Error AccessDenied'), 'WAREHOUSE_REFUSED', 'copy-role', false],
  [coded('42P01'), 'WAREHOUSE_SCHEMA', 'schema', false],
  [coded('3F000'), 'WAREHOUSE_SCHEMA', 'schema', false],
  [coded('22P02'), 'WAREHOUSE_MISMATCH', 'data', false],
  [coded('23502', 'null value', 'Failing row contains (code: 1016)'), 'WAREHOUSE_MISMATCH', 'data', false],
  [coded('Z_DATA_ERROR'), 'WAREHOUSE_MISMATCH', 'data', false],
  [coded('XX000', "Load into table 'load_stage' failed. Check 'sys_load_error_detail'"), 'WAREHOUSE_MISMATCH', 'data', false],
  [coded('42601'), 'INTERNAL', 'defect', false],
  [coded('XX000', 'something else with 1023 rows'), 'INTERNAL', 'defect', false],
];

describe('warehouse errors', () => {
  it('are told apart by SQLSTATE, by Node and by the texts of Redshift, each with what there is to do', () => {
    for (const [error, code, fault, retriable] of cases) {
      const known = warehouseError(error, 'doing');
      assert(known instanceof WarehouseError);
      assert.deepEqual([known.code, known.fault, known.retriable], [code, fault, retriable], error.message);
      assert.equal(known.cause, error);
      assert.notEqual(known.remedy, '');
      assert.equal(
        known.message.includes(known.remedy),
        !['conflict', 'slow', 'maintenance', 'away', 'data', 'defect'].includes(fault),
        fault,
      );
    }
  });

  it('a refused value cannot pass for what its text says', () => {
    const value = warehouseError(coded('22P02', 'invalid input syntax: "conflict with concurrent transaction"'), 'COPY');
    assert.equal(value.code, 'WAREHOUSE_MISMATCH');
  });

  it('an error of the platform stays what it is', () => {
    const known = warehouseError(coded('53100'), 'first');
    assert.equal(warehouseError(known, 'second'), known);
  });
});
