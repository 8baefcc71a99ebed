import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseFlags } from '../../../scripts/cli/flags.ts';
import { rulesPublishFlags } from '../../../scripts/rules-publish/flags.ts';
import { rulesPublish } from '../../../scripts/rules-publish/rules-publish.ts';
import { defaultRules } from '../../../services/fraud-detector/default-rules.ts';

/** As much of DynamoDB as a dry run asks for: a table without a pointer. */
describe('what rules:publish prints', () => {
  let folder: string;
  let server: Server;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rules-command-'));
    server = createServer((request, response) => {
      const isTable = String(request.headers['x-amz-target']).endsWith('DescribeTable');
      const answer = isTable ? { Table: { TableArn: 'arn:aws:dynamodb:us-east-1:000000000000:table/fraud-rules' } } : {};
      request.resume();
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(answer));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });

  async function run(argv: readonly string[], port = (server.address() as AddressInfo).port) {
    const [out, notes]: [string[], string[]] = [[], []];
    const place = ['--endpoint', `http://127.0.0.1:${port}`, '--objects', pathToFileURL(folder).href];
    const signal = new AbortController().signal;
    const io = { env: {}, out: (l: string) => out.push(l), note: (l: string) => notes.push(l), now: Date.now, operator: 'me', signal };
    const code = await rulesPublish(parseFlags(rulesPublishFlags, [...place, ...argv]), io).catch((error: Error) => error.message);
    return { code, out, notes: notes.join('\n') };
  }

  it('is a refusal on stderr, and nothing on stdout', async () => {
    const { code, out, notes } = await run(['--rollback', '9']);
    assert.deepEqual([code, out], [1, []]);
    assert.match(notes, /there is no generation 9/);
  });

  it('is one JSON line, also for a refusal, a file that is not there and a table that does not answer', async () => {
    const rules = join(folder, 'rules.json');
    await writeFile(rules, JSON.stringify({ ...defaultRules, rules: defaultRules.rules.map((rule) => ({ ...rule, version: 2 })) }));
    const { port } = server.address() as AddressInfo;
    const failures: [readonly string[], number, RegExp][] = [
      [['--rollback', '9'], port, /no generation 9/],
      [['--rules', rules, '--events', join(folder, 'none.ndjson')], port, /no such file/],
      [['--list'], 1, /ECONNREFUSED.*Is the demo running/],
    ];
    for (const [argv, at, why] of failures) {
      const { out } = await run([...argv, '--json'], at);
      assert.equal(out.length, 1, argv.join(' '));
      const { type, ok, problems } = JSON.parse(out[0] ?? '') as { type: string; ok: boolean; problems: string[] };
      assert.deepEqual([type, ok], ['result', false]);
      assert.match(problems.join(' '), why);
    }
  });
});
