import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { linesOf, maxLineBytes } from '../../../scripts/backtest/lines.ts';

async function read(chunks: readonly Buffer[]): Promise<(string | undefined)[]> {
  const texts: (string | undefined)[] = [];
  for await (const { lines } of linesOf(Readable.from(chunks))) {
    for (const line of lines) texts.push(line.kind === 'line' ? line.data.toString() : undefined);
  }
  return texts;
}

function cut(text: string, cuts: readonly number[]): Buffer[] {
  const bytes = Buffer.from(text);
  const at = [0, ...cuts.map((one) => one % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
}

describe('the lines of an event file', () => {
  it('are those of the text, however the stream is cut', async () => {
    const lines = fc.array(fc.string({ unit: fc.constantFrom('a', 'ü', '\u{1f6b6}', ' ', '\u2028') }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(
        lines,
        fc.constantFrom('\n', '\r\n'),
        fc.boolean(),
        fc.array(fc.nat(), { maxLength: 5 }),
        async (texts, end, ended, cuts) => {
          const text = texts.join(end) + (ended ? end : '');
          const expected = text.split(end);
          if (expected.at(-1) === '') expected.pop();
          assert.deepEqual(await read(cut(text, cuts)), expected);
        },
      ),
    );
  });

  it('begin behind a byte order mark', async () => {
    assert.deepEqual(await read([Buffer.from('\uFEFFa\n\uFEFFb')]), ['a', '\uFEFFb']);
  });

  it('are told to be too long above 1 MiB, without being kept, and those behind them are read', async () => {
    const piece = Buffer.alloc(maxLineBytes / 4, 'x');
    const exactly = [piece, piece, piece, piece];
    assert.deepEqual(
      (await read([...exactly, Buffer.from('\na\n'), ...exactly, Buffer.from('x\nb\n'), ...exactly, ...exactly])).map(
        (text) => text?.length,
      ),
      [maxLineBytes, 1, undefined, 1, undefined],
    );
  });
});
