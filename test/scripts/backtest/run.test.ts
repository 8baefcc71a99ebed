import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { backtestFlags, orderOf } from '../../../scripts/backtest/flags.ts';
import { run } from '../../../scripts/backtest/run.ts';
import { parseFlags } from '../../../scripts/cli/flags.ts';
import { encodeBookingEvent } from '../../../services/lib/events/booking-event-codec.ts';
import { allKinds, randomEvents } from './random-file.ts';

class Text extends Writable {
  text = '';
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

describe('a run of a backtest', () => {
  let folder = '';
  const path = (name: string): string => join(folder, name);
  const events = Buffer.concat(randomEvents(3, 1_500).flatMap((event) => [encodeBookingEvent(event), Buffer.from('\n')]));

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'backtest-'));
    writeFileSync(path('rules.json'), JSON.stringify(allKinds));
  });
  after(() => rmSync(folder, { recursive: true }));

  /** Under the rules given above; what is printed grows in `out` and `note`. */
  function start(stdin: Readable, signal: AbortSignal, ...flags: readonly string[]) {
    const order = orderOf(parseFlags(backtestFlags, ['--rules', path('rules.json'), '--events', '-', ...flags]));
    const out = new Text();
    const note = new Text();
    return { out, note, done: run(order, signal, stdin, out, note) };
  }
  const never = new AbortController().signal;
  const chunks = (...of: Buffer[]): Readable => Readable.from(of);

  it('prints the same, byte for byte, over shards and through restarts', async () => {
    const once = start(chunks(events), never, '--json');
    const often = start(chunks(events), never, '--json', '--restart-every', '97', '--shards', '1,4,2', '--reshard-at', '400,900');
    await Promise.all([once.done, often.done]);
    assert.ok(once.out.text.split('\n').length > 20);
    assert.equal(often.out.text, once.out.text);
    assert.match(once.note.text, /^1,500 events, [\d,]+ alerts, .* events\/s\n$/);
  });

  it('fails when no line is an event, after a summary that says why', async () => {
    const { out, done } = start(chunks(Buffer.from('{"a":1}\nx\n')), never);
    await assert.rejects(done, { message: '--events -: no line is an event' });
    assert.match(out.text, /^0 events: .*; 2 lines are no event$[^]*line 1: unknown field a; missing schemaVersion, [^]*line 2: /m);
  });

  it('fails when there is no line, as behind a pipe whose first command failed', async () => {
    for (const input of [chunks(), chunks(Buffer.from('\n \r\n\n'))]) {
      const { out, done } = start(input, never);
      await assert.rejects(done, { message: '--events -: there are no lines' });
      assert.match(out.text, /^0 events: [^]*^warning: the event file has no lines$/m);
    }
  });

  it('does not fail when it is interrupted before the first line', async () => {
    const stop = new AbortController();
    const { out, done } = start(new PassThrough(), stop.signal);
    stop.abort();
    await done;
    assert.match(out.text, /^\nInterrupted: [^]*^0 alerts$/m);
  });

  it('names the flag of a file that cannot be read or that holds no rules', async () => {
    writeFileSync(path('bad.json'), '{}');
    await assert.rejects(start(chunks(), never, '--against', path('none')).done, {
      message: `--against ${path('none')}: there is no such file`,
    });
    await assert.rejects(
      start(chunks(), never, '--against', path('bad.json')).done,
      /^Error: --against .*bad\.json: rules file is invalid, 2 problems:/,
    );
  });

  it('tells what was read so far when it is interrupted, also where a pipe stands still', async () => {
    const pipe = new PassThrough();
    const stop = new AbortController();
    const { out, done } = start(pipe, stop.signal);
    pipe.write(events);
    pipe.write('{"no":"event"}');
    while (out.text === '') await new Promise(setImmediate);
    stop.abort();
    await done;
    const summary = out.text.slice(out.text.lastIndexOf('}\n') + 2);
    assert.match(summary, /^\nInterrupted: this is what was read so far\.\n1,500 events: [\d,]+ used, \d+ late, \d+ duplicate\n/);
  });
});
