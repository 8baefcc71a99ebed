import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { sniff } from '../../../../scripts/local/kinesis/sniff.ts';
import { becomesTrue } from '../../../support/processes.ts';

describe('telling HTTP/2 from HTTP/1.1', () => {
  /** Sends the parts one after the other, each seen by the server before the next; what had been found after each. */
  async function foundAfter(...parts: string[]): Promise<{ found: (string | undefined)[]; read: string }> {
    let socket: Socket | undefined;
    let protocol: string | undefined;
    const server = createServer((accepted) => {
      socket = accepted;
      sniff(accepted, (decided) => {
        protocol = decided;
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const found: (string | undefined)[] = [];
    let sent = 0;
    for (const part of parts) {
      client.write(part);
      sent += part.length;
      await becomesTrue(() => socket?.bytesRead === sent);
      await new Promise(setImmediate);
      found.push(protocol);
    }
    const read = String(socket?.read() ?? '');
    client.destroy();
    socket?.destroy();
    server.close();
    await once(server, 'close');
    return { found, read };
  }

  it('waits for as many bytes as it takes, and leaves them to be read', async () => {
    assert.deepEqual(await foundAfter('PRI * HTTP/2.0'), { found: ['h2'], read: 'PRI * HTTP/2.0' });
    assert.deepEqual(await foundAfter('P', 'R', 'I'), { found: [undefined, undefined, 'h2'], read: 'PRI' });
    assert.deepEqual(await foundAfter('P', 'O'), { found: [undefined, 'h1'], read: 'PO' });
    assert.deepEqual(await foundAfter('PR', 'OPFIND'), { found: [undefined, 'h1'], read: 'PROPFIND' });
    assert.deepEqual(await foundAfter('G'), { found: ['h1'], read: 'G' });
  });
});
