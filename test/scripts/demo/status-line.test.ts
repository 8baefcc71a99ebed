import assert from 'node:assert/strict';
import { StatusLine, statusText, terminalOf } from '../../../scripts/demo/status-line.ts';
import { snapshotAt } from './snapshots.ts';

function terminal(isTty: boolean, color = false) {
  const written: string[] = [];
  return { written, isTty, color, columns: 40, write: (text: string) => void written.push(text) };
}

describe('the status line', () => {
  it('shows the worst lag of router, detector and loader, alerts, dead letters, totals, rates and drops', () => {
    assert.equal(
      statusText(snapshotAt(23_000, { drops: { 'no-op': 7, 'already-cancelled': 2 } })),
      'running 23s  lag r/d/l 1.2/–/– s  alerts 3 (p50 0.6s)  dead 5  sent 12,345 (300/s)  routed 11,000  rows 10,000  drops 9',
    );
  });

  it('shows all but the drops in 120 columns, also late in a long run', () => {
    const lag = (['event-router', 'fraud-detector', 'redshift-loader'] as const).map((service) => ({ service, shard: 's', ms: 900 }));
    const totals = { sent: 1_080_300, routed: 1_000_400, alerts: 950, locks: 2, rows: 1_000_200, repeats: 0 };
    const line = statusText(snapshotAt(900_000, { totals, lag }));
    assert.match(line.slice(0, 119), /sent 1,080k \(300\/s\)  routed 1,000k  rows 1,000k/);
  });

  it('names what comes up before anything is sent', () => {
    assert.equal(statusText(snapshotAt(0, { phase: 'starting', sendingSince: undefined })), 'starting  event-router running');
  });

  it('rewrites one line on a terminal, cut to its width, and puts other lines above', () => {
    const tty = terminal(true);
    const line = new StatusLine(tty, () => 0);
    line.show(snapshotAt(1_000));
    line.say('hello');
    assert.deepEqual(tty.written, ['\r\u001b[2Krunning 1s  lag r/d/l 1.2/–/– s  alerts', '\r\u001b[2K', 'hello\n']);
  });

  it('writes a plain line every five seconds elsewhere', () => {
    const file = terminal(false);
    let now = 0;
    const line = new StatusLine(file, () => now);
    for (now = 0; now < 11_000; now += 1_000) line.show(snapshotAt(now));
    assert.deepEqual(
      file.written.map((text) => text.slice(0, 13).trim()),
      ['running 0s  l', 'running 5s  l', 'running 10s'],
    );
    assert.ok(!file.written.join('').includes('\u001b'));
  });

  it('uses neither colour nor rewriting where that is not wanted', () => {
    const tty = { isTTY: true, columns: 80, write: () => true } as unknown as NodeJS.WriteStream;
    assert.deepEqual([terminalOf(tty, {}).isTty, terminalOf(tty, {}).color], [true, true]);
    assert.deepEqual([terminalOf(tty, { NO_COLOR: '1' }).isTty, terminalOf(tty, { NO_COLOR: '1' }).color], [true, false]);
    assert.equal(terminalOf(tty, { TERM: 'dumb' }).isTty, false);
    assert.equal(terminalOf(tty, { CI: 'true' }).isTty, false);
    assert.equal(terminalOf({ write: () => true } as unknown as NodeJS.WriteStream, {}).isTty, false);
  });
});
