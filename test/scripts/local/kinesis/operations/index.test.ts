import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import * as sdk from '@aws-sdk/client-kinesis';
import { operations, unsupported } from '../../../../../scripts/local/kinesis/operations/index.ts';
import { callLimits } from '../../../../../scripts/local/kinesis/store/call-limits.ts';

const commands = Object.keys(sdk)
  .filter((name) => /^[A-Z]\w+Command$/.test(name))
  .map((name) => name.replace(/Command$/, ''))
  .sort();

describe('local Kinesis: the operations', () => {
  it("are the SDK's, each either served or refused as unsupported", () => {
    assert.ok(commands.length > 40);
    assert.deepEqual([...operations.keys(), ...unsupported].sort(), commands);
  });

  it('are all named in the README, on the side where they belong', async () => {
    const readme = await readFile(new URL('../../../../../scripts/local/kinesis/README.md', import.meta.url), 'utf8');
    const [, served = '', refused = ''] = /\n\| operation \|([^]*?)\n\n([^]*?)\n## /.exec(readme) ?? [];
    const named = (text: string, names: Iterable<string>) => [...names].filter((name) => !new RegExp(`\\b${name}\\b`).test(text));
    assert.deepEqual(named(served, operations.keys()), [], 'served, but not in the table');
    assert.deepEqual(named(refused, unsupported), [], 'unsupported, but not in the text below the table');
    const rows = [...readme.matchAll(/^\| ([\d,]+) an? (account|stream|shard) \| (.*) \|$/gm)].flatMap(
      ([, calls = '', per = '', names = '']) =>
        names.split(', ').map((name) => [name, { perSecond: Number(calls.replace(',', '')), per }] as const),
    );
    assert.deepEqual(Object.fromEntries(rows), callLimits);
  });
});
