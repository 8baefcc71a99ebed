import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { needsOf } from '../../../scripts/setup/needs.mjs';
import { checkNode, findJava, nodeIsSupported } from '../../../scripts/setup/prerequisites.mjs';
import { requirePart } from '../../support/optional.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

describe('npm run', function () {
  this.timeout(30_000);
  let bin: string;
  before(() => {
    bin = mkdtempSync(join(tmpdir(), 'bin-'));
    symlinkSync(process.execPath, join(bin, 'node'));
  });
  after(() => rmSync(bin, { recursive: true }));

  const run = (args: readonly string[], path = process.env['PATH']) =>
    spawnSync(process.execPath, [join(root, 'scripts/run.mjs'), ...args], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, PATH: path },
    });

  it('says how to get Java when a command needs it, and starts nothing', () => {
    const { status, stdout, stderr } = run(['demo'], bin);
    assert.equal(status, 1);
    assert.equal(stdout, '');
    assert.match(stderr, /^\nJava is missing/);
    assert.match(stderr, /Debian, Ubuntu +sudo apt-get install -y openjdk-17-jdk-headless maven/);
  });

  it('asks for no Java when a command needs none', () => {
    assert.equal(run(['help'], bin).status, 0);
    assert.equal(run(['demo', '--help'], bin).status, 0);
  });

  it('does nothing in set-up when there is nothing to do, and says nothing', function () {
    requirePart(this, 'kcl-jars');
    requirePart(this, 'dynamodb-local');
    run(['setup']);
    const { status, stdout, stderr } = run(['setup']);
    assert.equal(status, 0);
    assert.equal(stderr, '');
    assert.equal(stdout, 'ready: npm run demo\n');
  });

  it('refuses an unknown command or flag with exit code 2', () => {
    const unknown = run(['no-such']);
    assert.equal(unknown.status, 2);
    assert.match(unknown.stderr, /no such command: no-such\nnpm run help/);
    assert.equal(run(['../test']).status, 2);
    const flag = run(['doctor', '--jsn']);
    assert.equal(flag.status, 2);
    assert.match(flag.stderr, /unknown flag --jsn; did you mean --json\?/);
  });

  it('set-up takes no unknown flag either, and tells about itself', function () {
    requirePart(this, 'kcl-jars');
    requirePart(this, 'dynamodb-local');
    assert.equal(run(['setup', '--x']).status, 2);
    assert.match(run(['setup', '--kcl', '4']).stderr, /--kcl 4: expected 2 or 3/);
    assert.match(run(['setup', '--help']).stdout, /Examples:\n {2}npm run setup/);
  });

  it('ends in silence when its reader has gone, as `| head` does', async () => {
    const child = spawn(process.execPath, [join(root, 'scripts/run.mjs'), 'doctor'], { cwd: root });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    const [code] = (await once(child, 'close')) as [number | null];
    assert.doesNotMatch(stderr, /EPIPE/);
    assert.equal(code, 0);
  });

  it('names stdout and the reason in one line when it cannot be written to, as on a full disk', () => {
    const readOnly = openSync(join(root, 'package.json'), 'r'); // writing to it fails on every system
    try {
      const args = [join(root, 'scripts/run.mjs'), 'help'];
      const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', readOnly, 'pipe'] });
      assert.equal(stderr, 'npm run help: cannot write to stdout: EBADF: bad file descriptor, write\n');
      assert.equal(status, 1);
    } finally {
      closeSync(readOnly);
    }
  });

  it('prints help with examples', () => {
    const { status, stdout } = run(['doctor', '--help']);
    assert.equal(status, 0);
    assert.match(stdout, /Examples:\n {2}npm run doctor/);
  });

  it('doctor names what is missing with its remedy, and fails', () => {
    const { status, stdout } = run(['doctor', '--json'], bin);
    assert.equal(status, 1);
    const { findings, ok } = JSON.parse(stdout) as { findings: { subject: string; ok: boolean; remedy: string }[]; ok: boolean };
    assert.equal(ok, false);
    const jdk = findings.find(({ subject }) => subject === 'JDK');
    assert.equal(jdk?.ok, false);
    assert.match(jdk?.remedy ?? '', /apt-get install/);
  });
});

describe('what a command needs', () => {
  it('is KCL 3.x only when its flag says so', () => {
    for (const args of [['--kcl', '3'], ['--kcl=3'], ['--json', '--kcl', '3']])
      assert.equal(needsOf('setup', args).kcl3, true, args.join(' '));
    for (const args of [[], ['--kcl'], ['--kcl', '2'], ['--kcl', '3', '--help']]) assert.ok(!needsOf('setup', args).kcl3, args.join(' '));
  });
});

describe('the prerequisites', () => {
  it('are Node from 20.19 to before 24', () => {
    for (const version of ['20.19.0', '20.20.2', '21.0.0', '22.12.0', '23.9.0']) assert.ok(nodeIsSupported(version), version);
    for (const version of ['18.20.0', '20.18.3', '24.0.0', '26.1.0']) assert.ok(!nodeIsSupported(version), version);
    assert.throws(() => checkNode('18.0.0'), /Node 18\.0\.0 cannot run this, it needs >=20\.19 <24/);
  });

  it('find no Java where there is none', () => {
    assert.equal(findJava({ PATH: '/nowhere' }), undefined);
    assert.equal(findJava({}), undefined);
  });
});
