import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const script = fileURLToPath(new URL('../../../scripts/conformance.ts', import.meta.url));
/** Tells of every host that is connected to or looked up, and lets it not happen; pipes (tsx has one) are no network. */
const watchdog = `
import dns from 'node:dns';
import net from 'node:net';
const tell = (host) => { process.stderr.write('NETWORK ' + host + '\\n'); throw new Error('no network here'); };
const { connect } = net.Socket.prototype;
net.Socket.prototype.connect = function (...args) {
  const [options] = Array.isArray(args[0]) ? args[0] : args;
  return options?.path ? connect.apply(this, args) : tell(options?.host);
};
dns.lookup = tell;
`;
/** What the SDK's default chain would find. */
const defaultCredentials = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret', AWS_REGION: 'eu-central-1' };

describe('npm run conformance', function () {
  this.timeout(40_000);
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'conformance-'));
    writeFileSync(join(folder, 'watchdog.mjs'), watchdog);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function run(line: string, options: { readonly watched?: boolean; readonly env?: NodeJS.ProcessEnv } = {}) {
    const preload = options.watched ? ['--import', pathToFileURL(join(folder, 'watchdog.mjs')).href] : [];
    const child = spawn(process.execPath, [...preload, '--import', 'tsx', script, ...line.split(' ').filter(Boolean)], {
      env: { PATH: process.env['PATH'], ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk) => (output.stdout += String(chunk)));
    child.stderr.on('data', (chunk) => (output.stderr += String(chunk)));
    const [code] = (await once(child, 'close')) as [number];
    return { code, ...output };
  }

  it('reaches no network unless target, region, credentials and consent are all flags of their own', async () => {
    const lines = [
      ['', /--kinesis/],
      ['--kinesis aws', /needs --region/],
      ['--kinesis aws --region eu-central-1', /needs either --profile or --credentials-env/],
      ['--kinesis aws --profile sandbox', /needs --region/],
      ['--kinesis aws --region eu-central-1 --yes-this-costs-money', /default credentials are never used/],
      [
        '--kinesis aws --region eu-central-1 --profile a --credentials-env B --yes-this-costs-money',
        /takes one of --profile and --credentials-env/,
      ],
      ['--kinesis aws --region eu-central-1 --profile sandbox', /at most: 10 streams[^]*nothing was run: add --yes-this-costs-money/],
      ['--kinesis local --profile sandbox', /--profile is for --kinesis aws/],
    ] as const;
    const runs = await Promise.all(lines.map(([line]) => run(line, { watched: true, env: defaultCredentials })));
    for (const [i, { code, stderr, stdout }] of runs.entries()) {
      const [line = '', message = /^$/] = lines[i] ?? [];
      assert.deepEqual([code, stdout], [2, ''], line);
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /NETWORK/, line);
    }
  });

  it('takes credentials from the variables that are named and from no others', async () => {
    const line = '--kinesis aws --region eu-central-1 --credentials-env SANDBOX --yes-this-costs-money --only ListStreams';
    const { code, stderr } = await run(line, { watched: true, env: defaultCredentials });
    assert.equal(code, 1);
    assert.match(stderr, /SANDBOX_ACCESS_KEY_ID and SANDBOX_SECRET_ACCESS_KEY are not both set/);
    assert.doesNotMatch(stderr, /NETWORK/);
  });

  it('would reach the network with all of them: the watchdog sees it', async () => {
    const line =
      '--kinesis aws --region eu-central-1 --credentials-env SANDBOX --yes-this-costs-money --json --only UpdateAccount|Invented.iterator';
    const env = { SANDBOX_ACCESS_KEY_ID: 'AKIDEXAMPLE', SANDBOX_SECRET_ACCESS_KEY: 'secret' };
    const { code, stderr } = await run(line, { watched: true, env });
    assert.equal(code, 1);
    assert.match(stderr, /NETWORK kinesis\.eu-central-1\.amazonaws\.com/);
  });

  it('prints one JSON line a check and a summary, and ends with 0 when all hold', async () => {
    const { code, stdout } = await run('--kinesis local --http1 --json --only stream.is.CREATING.at|Limit.1.answers');
    const lines = stdout.trim().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line) as unknown),
      [
        { id: 'CreateStream: the stream is CREATING at first', unsupported: ['slow-states'] },
        { id: 'GetRecords: Limit 1 answers one record', ok: true },
        { type: 'summary', passed: 1, listed: 0, failed: 0, unsupported: 1 },
      ],
    );
    assert.equal(code, 0);
  });

  it('lists the checks with what they cite, and says when a pattern fits none', async () => {
    const [list, none] = await Promise.all([run('--list --only Limit.1.answers'), run('--kinesis local --only nothing.like.it')]);
    assert.deepEqual([list.code, list.stdout.split('\n')[0]], [0, 'GetRecords: Limit 1 answers one record']);
    assert.match(list.stdout, /GetRecords, Limit: "/);
    assert.equal(none.code, 2);
    assert.match(none.stderr, /fits none of the \d+ checks/);
  });
});
