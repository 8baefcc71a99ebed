import type { ByteReader } from '../windows/snapshot/byte-reader.ts';
import type { ByteWriter } from '../windows/snapshot/byte-writer.ts';
import { corrupt } from '../windows/snapshot/snapshot-error.ts';
import type { Scalar } from '../windows/tables/value-table.ts';

const tags = { null: 0, false: 1, true: 2, number: 3, text: 4 } as const;

export function writeScalar(out: ByteWriter, value: Scalar): void {
  if (typeof value === 'string') {
    out.byte(tags.text);
    out.text(value);
  } else if (typeof value === 'number') {
    out.byte(tags.number);
    out.float64(value);
  } else {
    out.byte(tags[`${value}`]);
  }
}

export function readScalar(from: ByteReader): Scalar {
  const tag = from.byte();
  switch (tag) {
    case tags.null:
      return null;
    case tags.false:
      return false;
    case tags.true:
      return true;
    case tags.number:
      return from.float64();
    case tags.text:
      return from.text();
    default:
      throw corrupt(`a value of type ${tag}`);
  }
}
