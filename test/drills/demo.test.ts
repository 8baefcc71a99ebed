import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { descendantsOf } from '../../scripts/demo/process-tree.ts';
import type { Result } from '../../scripts/judge/judge.ts';
import { findProgram } from '../../scripts/setup/prerequisites.mjs';
import { requirePart } from '../support/optional.ts';
import { isAlive } from '../support/processes.ts';
import { foreignAddresses } from './network-calls.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const flags =
  '--duration 30s --rate 150 --seed 11 --duplicates 3% --disorder 3s --late 1% --future 1% --malformed 3% --kill fraud-detector@10s --json';
const minutes = 60_000;

interface Run {
  readonly code: number | null;
  readonly result: Result;
  readonly stderr: string;
  /** Every process that was seen below the demo. */
  readonly pids: readonly number[];
  readonly leftInTmp: readonly string[];
  readonly page: string;
  readonly foreign: readonly string[];
}

/** One demo for all the tests, its connects and binds recorded where strace is there to do it. */
async function runDemo(): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'drill-'));
  const tmp = join(folder, 'tmp');
  const trace = join(folder, 'trace');
  const demo = [process.execPath, join(root, 'scripts', 'run.mjs'), 'demo', '--', ...flags.split(' ')];
  const traced = ['strace', '--seccomp-bpf', '-f', '-qq', '-e', 'trace=connect,bind', '-e', 'signal=none', '-o', trace, ...demo];
  const [command = '', ...args] = findProgram('strace', process.env) === undefined ? demo : traced;
  try {
    mkdirSync(tmp);
    const child = spawn(command, args, { cwd: root, env: { ...process.env, TMPDIR: tmp }, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const pids = new Set<number>();
    const look = setInterval(() => {
      for (const pid of descendantsOf(child.pid ?? 0)) pids.add(pid);
    }, 500);
    const [code] = (await once(child, 'close')) as [number | null];
    clearInterval(look);
    const line = stdout.trim().split('\n').at(-1) ?? '';
    assert.match(line, /^\{"type":"result"/, `no result line; standard error:\n${stderr}`);
    return {
      code,
      result: JSON.parse(line) as Result,
      stderr,
      pids: [...pids],
      leftInTmp: readdirSync(tmp).filter((name) => !name.startsWith('tsx-')), // tsx keeps what it has compiled
      page: /page: (\S+)/.exec(stderr)?.[1] ?? '',
      foreign: command === 'strace' ? foreignAddresses(readFileSync(trace, 'utf8')) : [],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('a demo of 30 seconds with a kill -9 of the fraud detector', () => {
  let run: Run;

  before(async function () {
    this.timeout(5 * minutes);
    for (const part of ['java', 'kcl-jars', 'dynamodb-local'] as const) requirePart(this, part);
    run = await runDemo();
  });

  it('ends with ok: every record accounted for, every alert as the oracle has it', () => {
    assert.equal(run.code, 0, run.stderr);
    assert.equal(run.result.ok, true);
    const { alerts, warehouse } = run.result;
    assert.deepEqual([alerts.missing, alerts.unexpected, alerts.duplicated], [0, 0, 0]);
    assert.deepEqual([warehouse.missing, warehouse.duplicated], [0, 0]);
    assert.equal(warehouse.rows, warehouse.expected);
    assert.ok(alerts.raised >= 10, `${alerts.raised} alerts`);
  });

  it('had all the faults it was asked for', () => {
    assert.match(run.stderr, /kill -9 fraud-detector/);
    for (const fault of ['duplicates', 'disordered', 'late', 'future', 'malformed', 'dropped', 'deadLettered'] as const) {
      assert.ok(run.result[fault] > 0, fault);
    }
  });

  it('ran a daemon per consumer, and leaves no process, no port and no temporary folder', async () => {
    assert.ok(run.pids.length > 15, `${run.pids.length} processes were seen`); // 3 launchers, 4 daemons, 3 × 2 children and more
    assert.deepEqual(run.pids.filter(isAlive), []);
    await assert.rejects(fetch(run.page));
    assert.deepEqual(run.leftInTmp, []);
  });

  it('connected and bound nothing but loopback, in any of its processes', function () {
    requirePart(this, 'strace');
    assert.deepEqual(run.foreign, []);
  });
});
