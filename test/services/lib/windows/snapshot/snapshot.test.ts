import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ByteReader } from '../../../../../services/lib/windows/snapshot/byte-reader.ts';
import { ByteWriter } from '../../../../../services/lib/windows/snapshot/byte-writer.ts';
import { readSnapshot, readSnapshotStream } from '../../../../../services/lib/windows/snapshot/read.ts';
import { SnapshotError } from '../../../../../services/lib/windows/snapshot/snapshot-error.ts';
import { snapshotFrames } from '../../../../../services/lib/windows/snapshot/write.ts';

const written = { kind: 'test', version: 2 };
const readable = { kind: 'test', versions: [1, 2] };

const frames = (records: readonly Uint8Array[]): Buffer[] => [
  ...snapshotFrames(written, function* (out) {
    for (const record of records) {
      out.bytes(record);
      yield;
    }
  }),
];

function records(chunks: Iterable<Uint8Array>, format = readable): Buffer[] {
  const found: Buffer[] = [];
  for (const { content } of readSnapshot(chunks, format)) while (!content.done) found.push(Buffer.from(content.bytes()));
  return found;
}

const isCorrupt = (thrown: unknown): boolean => thrown instanceof SnapshotError && thrown.code === 'SNAPSHOT_CORRUPT';

describe('snapshot bytes', () => {
  describe('values', () => {
    const value = fc.oneof(
      fc.record({ type: fc.constant('uint' as const), value: fc.oneof(fc.maxSafeNat(), fc.nat({ max: 300 })) }),
      fc.record({ type: fc.constant('int' as const), value: fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -300, max: 300 })) }),
      fc.record({ type: fc.constant('float64' as const), value: fc.double() }),
      fc.record({
        type: fc.constant('text' as const),
        value: fc.string({ unit: fc.nat({ max: 0xffff }).map((c) => String.fromCharCode(c)) }),
      }),
      fc.record({ type: fc.constant('text' as const), value: fc.string({ unit: 'binary' }) }),
      fc.record({ type: fc.constant('word' as const), value: fc.integer() }),
      fc.record({ type: fc.constant('byte' as const), value: fc.nat({ max: 255 }) }),
    );

    it('come back as they were, in order', () => {
      fc.assert(
        fc.property(fc.array(value), (values) => {
          const out = new ByteWriter();
          for (const item of values) {
            if (item.type === 'text') out.text(item.value);
            else out[item.type](item.value);
          }
          const reader = new ByteReader(out.take());
          assert.deepEqual(
            values.map(({ type }) => reader[type]()),
            values.map(({ value }) => value),
          );
          assert.ok(reader.done);
        }),
      );
    });

    it('come back at the edges of what fits', () => {
      const out = new ByteWriter();
      const ints = [0, 1, -1, 63, 64, -63, -64, 65, 2 ** 31, -(2 ** 31), 2 ** 52, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];
      for (const int of ints) out.int(int);
      out.float64(Number.NEGATIVE_INFINITY);
      out.text('\ufeff\ud800 and \udfff');
      const reader = new ByteReader(out.take());
      assert.deepEqual(
        [ints.map(() => reader.int()), reader.float64(), reader.text()],
        [ints, Number.NEGATIVE_INFINITY, '\ufeff\ud800 and \udfff'],
      );
    });

    it('have one form each, the sign of 0 included', () => {
      const out = new ByteWriter();
      for (const int of [0, -0, -1, 1]) out.int(int);
      assert.deepEqual([...out.take()], [0, 0, 3, 2]);
    });

    it('are refused where they are no safe integers', () => {
      const out = new ByteWriter();
      for (const value of [-1, 0.5, 2 ** 53, Number.NaN]) assert.throws(() => out.uint(value), RangeError);
      for (const value of [0.5, 2 ** 53, Number.NEGATIVE_INFINITY]) assert.throws(() => out.int(value), RangeError);
    });

    it('are not read from bytes that no writer wrote', () => {
      const cases: [keyof Pick<ByteReader, 'uint' | 'int' | 'float64' | 'text' | 'bytes' | 'byte'>, number[]][] = [
        ['byte', []],
        ['uint', [0x80]],
        ['uint', [0x81, 0]],
        ['int', [0x82, 0]],
        ['uint', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]],
        ['float64', [0, 0, 0]],
        ['text', [2, 0xff]],
        ['bytes', [9, 1]],
      ];
      for (const [method, bytes] of cases)
        assert.throws(() => new ByteReader(Buffer.from(bytes))[method](), isCorrupt, `${method} ${bytes.join()}`);
    });
  });

  it('come back however they are cut', async () => {
    const large = Buffer.alloc(70_000, 7);
    const expected = [large, Buffer.from('a'), large, Buffer.alloc(0), Buffer.from('end')];
    const whole = Buffer.concat(frames(expected));
    assert.deepEqual(records([whole]), expected);
    for (const size of [1, 7, 8, 9, 4_096, 65_544]) {
      const cut = Array.from({ length: Math.ceil(whole.length / size) }, (_, i) => whole.subarray(i * size, (i + 1) * size));
      assert.deepEqual(records(cut), expected);
      const streamed: Buffer[] = [];
      const stream = (async function* () {
        yield* cut;
      })();
      for await (const { version, content } of readSnapshotStream(stream, readable)) {
        assert.equal(version, 2);
        while (!content.done) streamed.push(Buffer.from(content.bytes()));
      }
      assert.deepEqual(streamed, expected);
    }
  });

  it('may hold nothing at all', () => {
    const empty = frames([]);
    assert.equal(empty.length, 2);
    assert.deepEqual(records(empty), []);
  });

  it('are cut into frames of moderate size', () => {
    const sizes = frames(Array.from({ length: 300 }, () => Buffer.alloc(1_000))).map((frame) => frame.length);
    assert.ok(sizes.length > 5 && Math.max(...sizes) < 70_000, sizes.join());
  });

  it('come often, however little of what is walked over is written', () => {
    let yields = 0;
    let longest = 0;
    const found: Buffer[] = [];
    const sparse = snapshotFrames(written, function* (out) {
      for (; yields < 100_000; yields++) {
        if (yields % 30_000 === 0) out.bytes(Buffer.of(yields / 30_000));
        yield;
      }
    });
    for (let before = 0, next = sparse.next(); next.done !== true; before = yields, next = sparse.next()) {
      longest = Math.max(longest, yields - before);
      found.push(next.value);
    }
    assert.equal(longest, 4_096);
    assert.deepEqual(
      records(found),
      [0, 1, 2, 3].map((byte) => Buffer.of(byte)),
    );
  });

  it('hold a record of any size, in frames of 1 MiB', () => {
    const expected = [60_000, 1_048_571, 1_048_572, 1_048_573, 3_000_000, 0].map((size, i) => Buffer.alloc(size, i));
    const cut = frames(expected);
    assert.deepEqual(records(cut), expected);
    assert.equal(Math.max(...cut.map((frame) => frame.length)), 1_048_576 + 8);
    for (const gone of cut.keys()) assert.throws(() => records(cut.filter((_, i) => i !== gone)), isCorrupt, `${gone}`);
  });

  it('are refused with any bit flipped', () => {
    const whole = Buffer.concat(frames([Buffer.from('one'), Buffer.from('two')]));
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const damaged = Buffer.from(whole);
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      assert.throws(() => records([damaged]), isCorrupt, `bit ${bit}`);
    }
  });

  it('are refused when cut off anywhere, and when anything follows', () => {
    const whole = Buffer.concat(frames([Buffer.alloc(66_000), Buffer.from('two')]));
    const ends = [...Array(100).keys(), 66_010, 66_040, ...Array.from({ length: 100 }, (_, i) => whole.length - 1 - i)];
    for (const end of ends) assert.throws(() => records([whole.subarray(0, end)]), isCorrupt, `${end}`);
    assert.throws(() => records([whole, Buffer.alloc(1)]), isCorrupt);
    assert.throws(() => records([whole, whole]), isCorrupt);
  });

  it('are refused with a frame missing, repeated or moved', () => {
    const sound = frames(Array.from({ length: 4 }, (_, i) => Buffer.alloc(66_000, i)));
    assert.equal(sound.length, 6);
    const without = (gone: number) => sound.filter((_, i) => i !== gone);
    for (let i = 0; i < sound.length; i++) assert.throws(() => records(without(i)), isCorrupt);
    assert.throws(() => records(sound.flatMap((frame, i) => (i === 2 ? [frame, frame] : [frame]))), isCorrupt);
    const [a, b, c, ...rest] = sound as [Buffer, Buffer, Buffer];
    assert.throws(() => records([a, c, b, ...rest]), isCorrupt);
  });

  it('are refused when of another kind, and when of a version that is not read', () => {
    const sound = frames([Buffer.from('one')]);
    assert.throws(() => records(sound, { kind: 'other', versions: [2] }), isCorrupt);
    assert.throws(
      () => records(sound, { kind: 'test', versions: [3, 4] }),
      (thrown) => thrown instanceof SnapshotError && thrown.code === 'SNAPSHOT_VERSION',
    );
  });
});
