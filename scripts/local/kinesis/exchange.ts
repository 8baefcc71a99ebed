import type { Writable } from 'node:stream';

type Headers = Readonly<Record<string, string>>;

/** One request's way back, as either HTTP version offers it. After the peer has left, all of it does nothing. */
export interface Exchange {
  /** The whole answer. */
  send(status: number, headers: Headers, body: Buffer): void;
  /** Begins an answer of open end; it closes when the peer or the server ends it. */
  open(status: number, headers: Headers): Writable;
  /** Ends this exchange without an answer: RST_STREAM in HTTP/2; in HTTP/1.1 the connection is all there is to end. */
  drop(): void;
  /** Cuts the connection with everything that is under way on it. */
  reset(): void;
  /** Calls it at the end of the exchange, whoever ends it. */
  onClose(listener: () => void): void;
}
