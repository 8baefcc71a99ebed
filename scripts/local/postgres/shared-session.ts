import type { PGlite } from '@electric-sql/pglite';
import { copyFail, copyInResponse, copyStatement, type, withoutCopyInResponse } from './wire-messages.ts';

type Stream = PGlite['execProtocolRawStream'];
type StreamOptions = Parameters<Stream>[1];

/** Rows of one COPY are held until it is complete. */
const maxCopyBytes = 512 * 1024 * 1024;

/**
 * PGlite is one session, and pglite-socket hands it one message at a time, whichever client sent it; only a transaction
 * keeps other clients' messages away. Two more things must not be cut apart, and this makes pglite-socket believe that
 * they are transactions:
 * - the messages of an extended query up to its Sync, which share the unnamed statement and portal;
 * - COPY FROM STDIN: PGlite reads to the end of what it is given and takes that for the end of the connection, so the
 *   statement and all its data are collected and handed over as one. The client is told to go ahead by us.
 *
 * A client that goes away makes pglite-socket call exec('ROLLBACK'), which ends either.
 */
export function shareSession(db: PGlite): PGlite {
  let inExtendedQuery = false;
  let copy: Uint8Array[] | undefined;
  let copyBytes = 0;

  const run: Stream = async (message, options) => {
    if (copy !== undefined) return collect(message, options);
    if (copyStatement(message)) {
      copy = [message];
      copyBytes = message.length;
      options.onRawData(copyInResponse);
      return;
    }
    if (type(message) === 'S' || type(message) === 'Q') inExtendedQuery = false;
    else if ('PBDECH'.includes(type(message))) inExtendedQuery = true;
    await db.execProtocolRawStream(message, options);
  };

  const collect = async (message: Uint8Array, options: StreamOptions): Promise<void> => {
    const messages = copy ?? [];
    messages.push(message);
    copyBytes += message.length;
    // Flush and Sync are allowed in between and mean nothing (PostgreSQL protocol, COPY operations).
    if (type(message) !== 'c' && type(message) !== 'f') {
      // The statement stays, what came after it is given up: it will fail, as it does when a client cannot go on.
      if (copyBytes > maxCopyBytes) messages.length = 1;
      return;
    }
    copy = undefined;
    if (copyBytes > maxCopyBytes) messages.splice(1, messages.length, copyFail(`COPY of more than ${maxCopyBytes} bytes`));
    const answer: Uint8Array[] = [];
    await db.execProtocolRawStream(Buffer.concat(messages), { ...options, onRawData: (data) => answer.push(data.slice()) });
    options.onRawData(withoutCopyInResponse(Buffer.concat(answer)));
  };

  const overrides: Partial<PGlite> = {
    execProtocolRawStream: run,
    isInTransaction: () => copy !== undefined || inExtendedQuery || db.isInTransaction(),
    exec: (sql, options) => {
      copy = undefined;
      inExtendedQuery = false;
      return db.exec(sql, options);
    },
  };
  return new Proxy(db, {
    get(target, property) {
      const value: unknown = Reflect.get(overrides, property) ?? Reflect.get(target, property, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
