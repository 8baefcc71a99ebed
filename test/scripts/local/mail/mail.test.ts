import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startMailCatcher } from '../../../../scripts/local/mail/mail.ts';

describe('the mail catcher', () => {
  it('keeps a mail with its envelope, in memory and in its file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mail-'));
    const catcher = await startMailCatcher({ file: join(folder, 'mail.ndjson'), now: () => 5 });
    try {
      const source = 'Subject: KPIs\r\n\r\n42 bookings\r\n';
      const answers = await talk(catcher.port, [
        'EHLO here',
        'MAIL FROM:<report@travelbuddy.example>',
        'RCPT TO:<one@example.com>',
        'RCPT TO:<two@example.com>',
        'DATA',
        `${source}.`,
        'QUIT',
      ]);
      assert.deepEqual(answers, ['220', '250', '250', '250', '250', '354', '250', '221']);
      const expected = { receivedAt: 5, from: 'report@travelbuddy.example', to: ['one@example.com', 'two@example.com'], source };
      assert.deepEqual(catcher.caught(), [expected]);
      assert.deepEqual(JSON.parse(readFileSync(join(folder, 'mail.ndjson'), 'utf8')), expected);
    } finally {
      await catcher.close();
      rmSync(folder, { recursive: true });
    }
  });
});

/** Sends one command after each answer; the codes of the answers. */
async function talk(port: number, commands: readonly string[]): Promise<string[]> {
  const socket = connect(port, '127.0.0.1');
  const waiting = [...commands];
  const codes: string[] = [];
  let text = '';
  socket.on('data', (data) => {
    text += data.toString('utf8');
    for (let end = text.indexOf('\r\n'); end >= 0; end = text.indexOf('\r\n')) {
      const line = text.slice(0, end);
      text = text.slice(end + 2);
      // 250-... goes on, 250 ... is the last line.
      if (line[3] === '-') continue;
      codes.push(line.slice(0, 3));
      const command = waiting.shift();
      if (command !== undefined) socket.write(`${command}\r\n`);
    }
  });
  await once(socket, 'close');
  return codes;
}
