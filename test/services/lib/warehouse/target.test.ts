import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultSessionLimits, openDatabase } from '../../../../services/lib/warehouse/database.ts';
import { parseTarget } from '../../../../services/lib/warehouse/target.ts';

describe('warehouse URL', () => {
  it('says dialect, place and who logs in', () => {
    assert.deepEqual(parseTarget('postgres://ann:p%40ss@db.example:5433/books'), {
      dialect: 'postgres',
      host: 'db.example',
      port: 5433,
      database: 'books',
      login: { kind: 'fixed', user: 'ann', password: 'p@ss' },
      shown: 'postgres://ann@db.example:5433/books',
    });
    const { login, port } = parseTarget('redshift://wg.123456789012.eu-west-1.redshift-serverless.amazonaws.com/dev?workgroup=wg-1');
    assert.deepEqual({ login, port }, { login: { kind: 'workgroup', workgroup: 'wg-1' }, port: 5439 });
    assert.equal(parseTarget('postgres://[::1]/d').host, '::1');
  });

  it('that is not one of the forms is refused with what was expected, and never shows a password', () => {
    const wrong: readonly (readonly [string, RegExp])[] = [
      ['', /expected postgres/],
      ['mysql://h/db', /expected postgres/],
      ['postgres://u:geheim@host', /expected postgres/],
      ['postgres:///db', /expected postgres/],
      ['redshift://host/db', /neither a workgroup/],
      ['redshift://u:geheim@host/db?workgroup=abc', /leave user and password out/],
      ['redshift://host/db?workgroup=A', /3 to 64/],
      ['postgres://host/db?workgroup=abc', /redshift:\/\/ alone/],
      ['postgres://u:geheim@host/db?sslmode=disable', /sslmode is not known/],
      ['postgres://127.0.0.1/db?host=elsewhere', /host is not known/],
      ['redshift://host/db?workgroup=abc&endpoint=http://127.0.0.1:1', /loopback/],
      ['redshift://127.0.0.1/db?workgroup=abc&endpoint=http://aws.example', /loopback/],
      ['redshift://u@127.0.0.1/db?endpoint=http://127.0.0.1:1', /goes with workgroup/],
    ];
    for (const [url, expected] of wrong) {
      assert.throws(
        () => openDatabase(url),
        (error: Error & { code?: string }) =>
          error.code === 'CONFIG_INVALID' && expected.test(error.message) && !/geheim/.test(error.message),
        url,
      );
    }
  });

  it('a workgroup needs a region, a CA file certificates', () => {
    assert.throws(() => openDatabase('redshift://h/db?workgroup=abc'), { code: 'CONFIG_INVALID', message: /AWS_REGION is not set/ });
    const folder = mkdtempSync(join(tmpdir(), 'ca-'));
    const file = join(folder, 'ca.pem');
    const open = () => openDatabase('postgres://h/db', defaultSessionLimits, { caFile: file });
    assert.throws(open, { code: 'CONFIG_INVALID', message: /WAREHOUSE_CA_FILE is .*ca\.pem: expected a readable PEM file.*ENOENT/ });
    writeFileSync(file, 'no certificate');
    assert.throws(open, { code: 'CONFIG_INVALID', message: /WAREHOUSE_CA_FILE/ });
    rmSync(folder, { recursive: true });
  });
});
