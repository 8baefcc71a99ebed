import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeBookingEvent } from '../../../services/lib/events/booking-event-codec.ts';
import { allKinds, randomEvents } from './random-file.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

describe('npm run backtest', function () {
  this.timeout(60_000);
  this.slow(5_000);
  let folder = '';
  const path = (name: string): string => join(folder, name);
  const run = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/run.mjs', 'backtest', '--', ...args], {
      cwd: root,
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  };

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'backtest-'));
    writeFileSync(path('rules.json'), JSON.stringify(allKinds));
    writeFileSync(path('bad.json'), '{"time": 1,\n "rules": [}');
    writeFileSync(
      path('events.ndjson'),
      randomEvents(3, 1_500)
        .map((event) => `${encodeBookingEvent(event).toString()}\n`)
        .join(''),
    );
  });
  after(() => rmSync(folder, { recursive: true }));

  it('prints one alert a line and the summary last, progress apart', () => {
    const { status, stdout, stderr } = run('--rules', path('rules.json'), '--events', path('events.ndjson'), '--json');
    assert.equal(status, 0, stderr);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const last = lines.pop();
    assert.equal(last?.['type'], 'summary');
    assert.equal(last?.['alerts'], lines.length);
    assert.ok(lines.length > 20 && lines.every((line) => typeof line['alertId'] === 'string'));
    assert.match(stderr, /1,\d{3} events, 100 % of the file, .* events\/s/);
  });

  it('ends with 1 and what is wrong, with 2 when it is used wrongly', () => {
    const bad = run('--rules', path('bad.json'), '--events', path('events.ndjson'));
    assert.equal(bad.status, 1);
    assert.match(bad.stderr, /bad\.json: rules file is invalid: not JSON at line 2, column 12: expected a value/);
    const unknown = run('--rule', path('rules.json'));
    assert.equal(unknown.status, 2);
    assert.match(unknown.stderr, /did you mean --rules/);
  });

  it('tells at Ctrl-C what was read so far and ends with 130, also where a pipe stands still', async () => {
    const args = ['scripts/run.mjs', 'backtest', '--rules', path('rules.json'), '--events', '-'];
    const child = spawn(process.execPath, args, { cwd: root, stdio: 'pipe' });
    let stdout = '';
    child.stdout.on('data', (chunk) => {
      stdout += String(chunk);
    });
    child.stdin.write(readFileSync(path('events.ndjson')));
    await once(child.stdout, 'data'); // an alert: it reads
    child.kill('SIGINT');
    assert.deepEqual(await once(child, 'close'), [130, null]);
    assert.match(stdout, /^Interrupted: this is what was read so far\.$[^]*^[\d,]+ events: [^]*^[\d,]+ alerts$/m);
  });
});
