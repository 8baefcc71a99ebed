import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { configurationPage, loadDefinitions } from '../../../scripts/docs/configuration.ts';
import { kclConsumerConfig } from '../../../services/lib/kcl/config.ts';
import { flag, integerOr, text, textOr } from '../../../services/lib/process/config.ts';
import { defineService } from '../../../services/lib/process/service.ts';

const root = new URL('../../../', import.meta.url);

const example = defineService({
  name: 'example',
  summary: 'An example.',
  runtime: 'task',
  config: {
    ...kclConsumerConfig,
    NAME: text.describe('its name'),
    COLOUR: z.enum(['red', 'blue'], { error: 'expected red or blue' }).default('red'),
    SIZE: integerOr(5, 1, 9).describe('in m | cm'),
    LOUD: flag,
    NOTE: text.optional(),
    THINGS_TABLE: textOr('things'),
  },
  produces: [],
  tables: [{ name: 'things', configKey: 'THINGS_TABLE', summary: 'one item a thing', partitionKey: { name: 'id', type: 'S' } }],
  topics: [],
  objects: [],
  actions: [],
  size: { cpu: 256, memoryMiB: 512 },
});

describe('docs/configuration.md', () => {
  it('is what `npm run docs` writes', async () => {
    const committed = await readFile(new URL('docs/configuration.md', root), 'utf8');
    const generated = configurationPage(await loadDefinitions(new URL('services/', root)));
    assert.equal(committed, generated, 'run `npm run docs` and commit the result');
  });

  it('covers every service', async () => {
    const definitions = await loadDefinitions(new URL('services/', root));
    const names = definitions.map((definition) => definition.name);
    for (const name of ['event-router', 'fraud-detector', 'redshift-loader']) assert.ok(names.includes(name), name);
  });

  it('says what each key expects and falls back to', () => {
    const section = configurationPage([example]).split('## example')[1] ?? '';
    assert.deepEqual(section.trim().split('\n').slice(4), [
      '| `NAME` | its name | text | **required** |',
      '| `COLOUR` |  | red or blue | `red` |',
      '| `SIZE` | in m \\| cm | whole number from 1 to 9 | `5` |',
      '| `LOUD` |  | true or false | `false` |',
      '| `NOTE` |  | text | none |',
      '| `THINGS_TABLE` | table: one item a thing | text | `things` |',
    ]);
  });

  it('shows the keys that all consumers share once', () => {
    const page = configurationPage([example]);
    assert.equal(page.split('`KCL_HEAP_MIB`').length, 2);
  });
});
