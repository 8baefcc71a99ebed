import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startDynamo } from '../../../../scripts/local/dynamodb/dynamodb.ts';
import { partEnvironment } from '../../../../scripts/local/local-environment.ts';
import { requirePart } from '../../../support/optional.ts';

const jars = fileURLToPath(new URL('../../../../.jars/dynamodb-local', import.meta.url));

describe('DynamoDB Local', function () {
  this.timeout(60_000);

  it('says so when its port is taken, and leaves no process', async function () {
    requirePart(this, 'java');
    requirePart(this, 'dynamodb-local');
    const folder = mkdtempSync(join(tmpdir(), 'dynamodb-'));
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    try {
      const options = { jars, logFile: join(folder, 'dynamodb.log'), env: partEnvironment(folder), cwd: folder, port };
      await assert.rejects(
        startDynamo(options),
        /DynamoDB Local ended before it was ready[^]*\ncannot listen on 127\.0\.0\.1:\d+: Address already in use$/,
      );
    } finally {
      other.close();
      rmSync(folder, { recursive: true });
    }
  });
});
