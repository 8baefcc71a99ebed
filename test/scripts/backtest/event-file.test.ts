import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { openEvents } from '../../../scripts/backtest/event-file.ts';

const never = new AbortController().signal;

async function read(path: string, stdin: Readable = Readable.from([])): Promise<string> {
  const { chunks } = await openEvents(path, stdin, never);
  const read: Buffer[] = [];
  for await (const chunk of chunks) read.push(chunk);
  return Buffer.concat(read).toString();
}

describe('a file of events', () => {
  let folder = '';
  const path = (name: string): string => join(folder, name);
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'events-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('is read from its path, with its size, or from standard input', async () => {
    writeFileSync(path('events'), '{"a":[1]}\n');
    assert.equal(await read(path('events')), '{"a":[1]}\n');
    assert.equal((await openEvents(path('events'), Readable.from([]), never)).size, 10);
    assert.equal(await read('-', Readable.from([Buffer.from('{'), Buffer.from('[')])), '{[');
    assert.equal((await openEvents('-', Readable.from([]), never)).size, undefined);
  });

  it('that cannot be read is named with its flag', async () => {
    await assert.rejects(read(path('none')), { message: `--events ${path('none')}: there is no such file` });
    await assert.rejects(read(folder), { message: `--events ${folder}: it is a folder; name a file in it` });
    const broken = new Readable({ read: () => void broken.destroy(new Error('EIO: i/o error, read')) });
    await assert.rejects(read('-', broken), { message: '--events -: reading it failed: EIO: i/o error, read' });
  });

  it('that is compressed is refused with the way to unzip it', async () => {
    writeFileSync(path('events.gz'), gzipSync('{}\n'));
    await assert.rejects(read(path('events.gz')), {
      message: /^--events .*: it is compressed by gzip; .* gzip -dc .*events\.gz \| npm run/,
    });
  });

  it('that is a JSON array is refused with the way to make lines of it', async () => {
    for (const text of ['[{"a":1}]', ' \r\n\t[\n{}]', '\uFEFF[']) {
      await assert.rejects(read('-', Readable.from([Buffer.from(text)])), { message: /one JSON document per line: jq -c '\.\[\]' FILE/ });
    }
  });

  it('ends where it stands when it is interrupted, also while a pipe has no more to give', async () => {
    const pipe = new PassThrough();
    const stop = new AbortController();
    const { chunks } = await openEvents('-', pipe, stop.signal);
    pipe.write('{}\n');
    const seen: string[] = [];
    for await (const chunk of chunks) {
      seen.push(chunk.toString());
      setImmediate(() => stop.abort());
    }
    assert.deepEqual(seen, ['{}\n']);
  });
});
