import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { SetupFailure } from '../../../scripts/setup/failure.mjs';
import { ensureJars, jarSets, jarsAreThere } from '../../../scripts/setup/jars.mjs';
import { requirePart } from '../../support/optional.ts';
import { becomesTrue } from '../../support/processes.ts';
import { deliverAll, deliverFirst, fakeMaven, jarSetIn, jars } from './fake-maven.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

describe('set-up of the jars', () => {
  let folder: string;
  const reported: string[] = [];
  const report = (line: string): void => {
    reported.push(line);
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'jars-'));
    reported.length = 0;
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  /** Only the folder and its stamp may be left. */
  const assertNothingElse = (): void => assert.deepEqual(readdirSync(join(folder, '.jars')).sort(), ['some', 'some.verified.json']);

  it('fetches them once, and says so', async () => {
    const set = jarSetIn(folder);
    const { env, calls } = fakeMaven(folder, deliverAll);
    await ensureJars(set, report, env);
    await ensureJars(set, report, env);
    assert.deepEqual(readdirSync(set.folder).sort(), Object.keys(jars));
    assert.equal(readFileSync(calls, 'utf8'), 'called\n');
    assert.match(reported.join('\n'), /fetching the some jars.*done in/s);
    assertNothingElse();
  });

  it('refuses a jar whose checksum is another, and keeps nothing of it', async () => {
    const set = jarSetIn(folder);
    const { env } = fakeMaven(folder, `${deliverAll}\nprintf 'something else' > "$out/b-2.jar"`);
    await assert.rejects(ensureJars(set, report, env), (error: SetupFailure) => {
      assert.match(error.message, /b-2\.jar has another SHA-256 than SHA256SUMS says/);
      assert.match(error.remedy, /\.m2/);
      return true;
    });
    assert.deepEqual(readdirSync(join(folder, '.jars')), []);
  });

  it('refuses a set with a jar too few or too many', async () => {
    const set = jarSetIn(folder);
    await assert.rejects(ensureJars(set, report, fakeMaven(folder, deliverFirst).env), /b-2\.jar is missing\n\s+c\.so is missing/);
    const more = fakeMaven(folder, `${deliverAll}\nprintf x > "$out/d.jar"`);
    await assert.rejects(ensureJars(set, report, more.env), /d\.jar is not expected/);
  });

  for (const [damage, inflict] of [
    ['a deleted file', (dir: string) => rmSync(join(dir, 'c.so'))],
    ['a truncated file', (dir: string) => writeFileSync(join(dir, 'a-1.jar'), 'first')],
    ['a file too many', (dir: string) => writeFileSync(join(dir, 'new.jar'), '')],
    ['a deleted folder', (dir: string) => rmSync(dir, { recursive: true })],
  ] as const) {
    it(`notices ${damage} and makes it good`, async () => {
      const set = jarSetIn(folder);
      const { env, calls } = fakeMaven(folder, deliverAll);
      await ensureJars(set, report, env);
      inflict(set.folder);
      assert.equal(jarsAreThere(set), false);
      await ensureJars(set, report, env);
      assert.ok(jarsAreThere(set));
      assert.equal(readFileSync(calls, 'utf8'), 'called\ncalled\n');
    });
  }

  it('fetches again when the committed sums have changed', async () => {
    const set = jarSetIn(folder);
    await ensureJars(set, report, fakeMaven(folder, deliverAll).env);
    writeFileSync(set.sums, `${readFileSync(set.sums, 'utf8')}${'0'.repeat(64)}  new.jar\n`);
    await assert.rejects(ensureJars(set, report, fakeMaven(folder, deliverAll).env), /new\.jar is missing/);
  });

  it('trusts a whole folder without a stamp only after it has read it', async () => {
    const set = jarSetIn(folder);
    const { env, calls } = fakeMaven(folder, deliverAll);
    await ensureJars(set, report, env);
    rmSync(`${set.folder}.verified.json`);
    await ensureJars(set, report, env);
    assert.equal(readFileSync(calls, 'utf8'), 'called\n', 'what is whole is not fetched again');
    rmSync(`${set.folder}.verified.json`);
    writeFileSync(join(set.folder, 'a-1.jar'), 'first JAR');
    await ensureJars(set, report, env);
    assert.equal(readFileSync(calls, 'utf8'), 'called\ncalled\n', 'same size, other content');
  });

  it('takes nothing for good that a set-up killed half-way has left', async () => {
    const set = jarSetIn(folder);
    const hanging = fakeMaven(folder, `${deliverFirst}\ntouch '${folder}/half'\nsleep 30`);
    const module = pathToFileURL(join(root, 'scripts/setup/jars.mjs')).href;
    const program = `const { ensureJars } = await import(${JSON.stringify(module)}); await ensureJars(${JSON.stringify(set)}, () => {});`;
    const killed = spawn(process.execPath, ['--input-type=module', '-e', program], { env: hanging.env, stdio: 'inherit', detached: true });
    await becomesTrue(() => existsSync(join(folder, 'half')));
    process.kill(-(killed.pid ?? 0), 'SIGKILL');
    await once(killed, 'exit');
    assert.ok(
      readdirSync(join(folder, '.jars')).some((name) => name.startsWith('.incoming-')),
      'it was half-way',
    );
    assert.equal(jarsAreThere(set), false);

    await ensureJars(set, report, fakeMaven(folder, deliverAll).env);
    assert.ok(jarsAreThere(set));
    assertNothingElse();
  });

  it("shows Maven's own words when it fails", async () => {
    const { env } = fakeMaven(folder, 'echo "[ERROR] no route to the repository"; exit 1');
    await assert.rejects(ensureJars(jarSetIn(folder), report, env), /exit code 1\):\n\[ERROR\] no route to the repository/);
  });

  it('says how to get Maven when it is needed and missing', async () => {
    await assert.rejects(ensureJars(jarSetIn(folder), report, { PATH: '/nowhere' }), (error: SetupFailure) => {
      assert.match(error.message, /^Maven is missing/);
      assert.match(error.remedy, /apt-get install -y .*maven/);
      return true;
    });
  });

  it('has sums for each set of this project', () => {
    for (const { sums, pom } of Object.values(jarSets(root))) {
      assert.ok(existsSync(pom));
      for (const line of readFileSync(sums, 'utf8').trim().split('\n')) assert.match(line, /^[0-9a-f]{64} {2}\S+$/);
    }
  });

  describe('on a full disk', () => {
    let disk: string;
    before(function () {
      requirePart(this, 'linux');
      requirePart(this, 'root');
    });
    beforeEach(function () {
      disk = join(folder, 'disk');
      mkdirSync(disk);
      const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk]);
      if (mounted.status !== 0) this.skip();
    });
    afterEach(() => {
      spawnSync('umount', [disk]);
    });

    it('says beforehand how much is needed', async () => {
      const set = jarSetIn(disk, 100_000_000);
      await assert.rejects(ensureJars(set, report, fakeMaven(folder, deliverAll).env), (error: SetupFailure) => {
        assert.match(error.message, /the disk that holds .*\.jars is full: 8 MB are free, these jars need 100 MB/);
        assert.match(error.remedy, /Free some space/);
        return true;
      });
    });

    it('says so when it fills up while Maven writes, and leaves nothing half-made', async () => {
      const set = jarSetIn(disk);
      const { env } = fakeMaven(folder, 'dd if=/dev/zero of="$out/a-1.jar" bs=1M count=20 || exit 1');
      await assert.rejects(ensureJars(set, report, env), (error: SetupFailure) => {
        assert.ok(error instanceof SetupFailure);
        assert.match(error.message, /is full/);
        return true;
      });
      assert.deepEqual(readdirSync(join(disk, '.jars')), []);
    });
  });
});
