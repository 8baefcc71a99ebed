/** The few parts of PostgreSQL's protocol 3.0 that the shared session looks at: a type byte, a length that counts itself, a body. */

const lengthBytes = 4;

/** `Q` query, `P` parse, `S` sync, `c` copy done ...; of the start-up message, which has no type, a NUL. */
export const type = (message: Uint8Array): string => String.fromCharCode(message[0] ?? 0);

const copyFromStdin = /^\s*copy\b.*\bfrom\s+stdin\b/is;
const longestCopyStatement = 100_000;

/** Whether the message is a simple query `COPY ... FROM STDIN`. */
export function copyStatement(message: Uint8Array): boolean {
  if (type(message) !== 'Q' || message.length > longestCopyStatement) return false;
  return copyFromStdin.test(Buffer.from(message.subarray(1 + lengthBytes)).toString('utf8'));
}

/** Text format, and no word on columns, which no client needs. */
export const copyInResponse = Uint8Array.from([...Buffer.from('G'), 0, 0, 0, 7, 0, 0, 0]);

/** What a client sends that cannot complete its COPY. */
export function copyFail(reason: string): Uint8Array {
  const text = Buffer.from(`${reason}\0`);
  const head = Buffer.from('f....');
  head.writeInt32BE(lengthBytes + text.length, 1);
  return Buffer.concat([head, text]);
}

/** A sequence of whole messages without PGlite's own CopyInResponse. */
export function withoutCopyInResponse(messages: Buffer): Buffer {
  const kept: Buffer[] = [];
  for (let at = 0; at < messages.length; ) {
    const end = at + 1 + messages.readInt32BE(at + 1);
    const message = messages.subarray(at, end);
    if (type(message) !== 'G') kept.push(message);
    at = end;
  }
  return Buffer.concat(kept);
}
