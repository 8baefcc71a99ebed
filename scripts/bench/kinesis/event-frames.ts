const preludeBytes = 12;
const crcBytes = 4;

/** Cuts what comes of an event stream into the payloads of its messages; checks nothing, since it is not what is measured. */
export class EventFrames {
  readonly #payload: (payload: Buffer) => void;
  #chunks: Buffer[] = [];
  #length = 0;
  #wanted = preludeBytes;

  constructor(payload: (payload: Buffer) => void) {
    this.#payload = payload;
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#length < this.#wanted) return;
    let rest = Buffer.concat(this.#chunks);
    while (rest.length >= preludeBytes && rest.length >= rest.readUInt32BE(0)) {
      const end = rest.readUInt32BE(0);
      this.#payload(rest.subarray(preludeBytes + rest.readUInt32BE(4), end - crcBytes));
      rest = rest.subarray(end);
    }
    this.#wanted = rest.length < preludeBytes ? preludeBytes : rest.readUInt32BE(0);
    this.#chunks = [rest];
    this.#length = rest.length;
  }
}
