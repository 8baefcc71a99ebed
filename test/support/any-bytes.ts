import fc from 'fast-check';

/** What anybody may send: random bytes, and JSON that means nothing. */
export const anyBytes: fc.Arbitrary<Buffer> = fc.oneof(
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  fc.json().map((json) => Buffer.from(json)),
);
