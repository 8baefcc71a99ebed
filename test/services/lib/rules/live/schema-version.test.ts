import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { z } from 'zod';
import { rulesSchemaVersion } from '../../../../../services/lib/rules/live/schema-version.ts';
import { rulesFileSchema } from '../../../../../services/lib/rules/rules-file.ts';

describe('the schema version of rules files', () => {
  it('is raised together with what a rules file may hold', () => {
    const withoutWords = JSON.stringify(z.toJSONSchema(rulesFileSchema), (name, value: unknown) =>
      name === 'description' && typeof value === 'string' ? undefined : value,
    );
    assert.deepEqual(
      [rulesSchemaVersion, hash('sha256', withoutWords).slice(0, 16)],
      [1, '6933ca6a34d40903'],
      'rules files changed: read when rulesSchemaVersion is raised, then pin both here',
    );
  });
});
