import { appendFileSync, mkdirSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';

export interface CaughtMail {
  /** Epoch ms. */
  readonly receivedAt: number;
  readonly from: string;
  readonly to: readonly string[];
  /** The message as it was sent: headers, empty line, body. */
  readonly source: string;
}

export interface MailCatcher {
  readonly port: number;
  caught(): readonly CaughtMail[];
  close(): Promise<void>;
}

const maxMailBytes = 10 * 1024 * 1024;
const maxMails = 1_000;

/** An SMTP server that delivers to nobody: mails are kept in memory and appended to a file, one JSON object a line. */
export async function startMailCatcher(options: { file: string; port?: number; now?: () => number }): Promise<MailCatcher> {
  const now = options.now ?? Date.now;
  const mails: CaughtMail[] = [];
  mkdirSync(dirname(options.file), { recursive: true });
  const server = new SMTPServer({
    authOptional: true,
    hideSTARTTLS: true,
    disableReverseLookup: true,
    size: maxMailBytes,
    onData(stream, session, done) {
      receive(stream).then(
        (source) => {
          if (stream.sizeExceeded || mails.length === maxMails) {
            done(Object.assign(new Error('the local catcher takes no more'), { responseCode: 552 }));
            return;
          }
          const mail = { receivedAt: now(), ...envelope(session), source };
          appendFileSync(options.file, `${JSON.stringify(mail)}\n`);
          mails.push(mail);
          done();
        },
        (error: Error) => done(error),
      );
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', () => resolve((server.server.address() as AddressInfo).port));
  });
  return { port, caught: () => mails, close: () => new Promise((resolve) => server.close(() => resolve())) };
}

/** The stream must be read to its end even when the mail is refused. */
async function receive(stream: SMTPServerDataStream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) if (!stream.sizeExceeded) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function envelope({ envelope: { mailFrom, rcptTo } }: SMTPServerSession): { from: string; to: string[] } {
  return { from: mailFrom === false ? '' : mailFrom.address, to: rcptTo.map(({ address }) => address) };
}
