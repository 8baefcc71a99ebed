import assert from 'node:assert/strict';
import { BodyCollector, maxBodyBytes } from '../../../../scripts/local/kinesis/body.ts';

describe('a collected body', () => {
  const mebibyte = Buffer.alloc(1_048_576, 'x');

  for (const announced of ['9', undefined, 'many', '-1', '99999999999']) {
    it(`is its chunks in order, content-length being ${announced}`, () => {
      const body = new BodyCollector(announced);
      for (const chunk of ['abc', 'def', 'ghi']) body.add(Buffer.from(chunk));
      assert.equal(body.take().toString(), 'abcdefghi');
      assert.equal(body.overflowed, false);
    });
  }

  it('is shorter than announced when less came', () => {
    const body = new BodyCollector('100000');
    body.add(Buffer.from('abc'));
    assert.equal(body.take().toString(), 'abc');
  });

  it('is let go once it is too large, or larger than announced', () => {
    const unannounced = new BodyCollector(undefined);
    for (let i = 0; i <= maxBodyBytes / mebibyte.length; i++) unannounced.add(mebibyte);
    assert.deepEqual([unannounced.overflowed, unannounced.take().length], [true, 0]);
    const liar = new BodyCollector('2');
    liar.add(Buffer.from('abc'));
    assert.equal(liar.overflowed, true);
  });

  it('in reused memory holds nothing of the body before', () => {
    const first = new BodyCollector('70000');
    first.add(Buffer.alloc(70_000, 'a'));
    first.release();
    const second = new BodyCollector('70000');
    second.add(Buffer.alloc(10, 'b'));
    assert.equal(second.take().toString(), 'b'.repeat(10));
  });
});
