/** A point in time on the wire: JSON 1.1 writes seconds with a fraction, CBOR 1.1 whole milliseconds under tag 1. */
export class Timestamp {
  readonly epochMs: number;

  constructor(epochMs: number) {
    this.epochMs = epochMs;
  }

  toJSON(): number {
    return this.epochMs / 1_000;
  }
}
