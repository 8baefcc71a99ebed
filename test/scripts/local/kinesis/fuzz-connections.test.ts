import assert from 'node:assert/strict';
import { type KinesisServer, startKinesis } from '../../../../scripts/local/kinesis/server.ts';
import { assertAwsShaped } from './fuzz/judge.ts';
import { Random } from './fuzz/random.ts';
import {
  endHeaders,
  endStream,
  eventually,
  fields,
  frame,
  frameTypes,
  http1Answers,
  preface,
  RawConnection,
  settings,
} from './fuzz/raw.ts';
import { cbor, json } from './fuzz/requests.ts';
import { Wire } from './fuzz/wire.ts';

const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const target = 'Kinesis_20131202.ListStreams';
const good = { target, contentType: json, body: Buffer.from('{}') };
const listStreams = (more = '', body = '{}') =>
  `POST / HTTP/1.1\r\nhost: x\r\ncontent-type: ${json}\r\nx-amz-target: ${target}\r\n${more}content-length: ${body.length}\r\n\r\n${body}`;
const head2 = (more: readonly (readonly [string, string])[] = [], method = 'POST', operation = 'ListStreams') =>
  fields([
    [':method', method],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'x'],
    ['content-type', json],
    ['x-amz-target', `Kinesis_20131202.${operation}`],
    ...more,
  ]);

let server: KinesisServer;
let wire: Wire;

async function onConnection(use: (connection: RawConnection) => Promise<void>): Promise<void> {
  const connection = await RawConnection.open(server.endpoint);
  try {
    await use(connection);
  } finally {
    connection.close();
  }
}

describe('local Kinesis: connections that nobody should make', () => {
  before(async () => {
    server = await startKinesis({ limits: false });
    wire = new Wire(server.endpoint);
  });
  after(async () => {
    await wire.close();
    await server.close();
  });
  afterEach('both protocols are served as ever', async () => {
    for (const transport of ['http1', 'http2'] as const) {
      const answer = await wire[transport](good);
      assert.equal(answer.status, 200);
      assertAwsShaped(answer, json);
    }
  });

  describe('over HTTP/1.1', () => {
    /** The one answer to what is no request of the API: an error in its shape. */
    async function refusal(bytes: string | Buffer, status: number, code: string): Promise<void> {
      await onConnection(async (connection) => {
        connection.write(bytes);
        const [answer] = http1Answers(await connection.until((received) => http1Answers(received).length > 0));
        assert.ok(answer, `no answer to ${bytes.toString('latin1').slice(0, 100)}`);
        const { headers, body } = answer;
        assert.equal(headers['content-type'], json);
        assert.match(headers['x-amzn-requestid'] ?? '', /^[0-9a-f-]{36}$/);
        assert.deepEqual([answer.status, headers['x-amzn-errortype']], [status, code], bytes.toString('latin1').slice(0, 100));
        assert.equal((JSON.parse(body.toString()) as Record<string, unknown>)['__type'], code);
      });
    }

    it('bad framing is told as an error of the API', async () => {
      for (const bytes of [
        'NONSENSE\r\n\r\n',
        'POST / HTTP/9.9\r\n\r\n',
        'POST / HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n',
        'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n',
        'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}',
        'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}',
        'POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n',
        'POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n',
        'POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}toolong\r\n0\r\n\r\n',
        Buffer.concat([Buffer.from('POST / HTTP/1.1\r\nhost: '), Buffer.from([0, 1, 2]), Buffer.from('\r\n\r\n')]),
      ]) {
        await refusal(bytes, 400, 'SerializationException');
      }
    });

    it('headers without end are told as too large', async () => {
      await refusal(`POST / HTTP/1.1\r\nhost: x\r\nx-huge: ${'x'.repeat(100_000)}\r\n\r\n`, 431, 'SerializationException');
      await refusal(`POST / HTTP/1.1\r\nhost: x\r\n${'a: b\r\n'.repeat(20_000)}\r\n`, 431, 'SerializationException');
    });

    it('methods, targets, expectations and upgrades that it does not serve are told so', async () => {
      for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE']) {
        await refusal(listStreams().replace('POST', method), 400, 'UnknownOperationException');
      }
      await refusal('POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n', 400, 'UnknownOperationException');
      await refusal('CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n', 400, 'UnknownOperationException');
      await refusal(listStreams('expect: miracles\r\n').replace('ListStreams', 'Nothing'), 400, 'UnknownOperationException');
      await refusal(
        `GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n\r\n`,
        400,
        'UnknownOperationException',
      );
    });

    it('an expected 100 comes, chunks and trailers are read, absolute targets are served', async () => {
      for (const bytes of [
        listStreams('expect: 100-continue\r\n'),
        listStreams().replace('POST /', 'POST http://x/'),
        `POST / HTTP/1.1\r\nhost: x\r\ncontent-type: ${json}\r\nx-amz-target: ${target}\r\ntransfer-encoding: chunked\r\ntrailer: a\r\n\r\n1\r\n{\r\n1;x=y\r\n}\r\n0\r\na: b\r\n\r\n`,
      ]) {
        await onConnection(async (connection) => {
          connection.write(bytes);
          const answers = http1Answers(await connection.until((received) => http1Answers(received).length > 0));
          assert.deepEqual(
            answers.map(({ status }) => status),
            [200],
            bytes.slice(0, 150),
          );
        });
      }
    });

    it('pipelined requests are answered all, in their order, up to the one that is none', async () => {
      await onConnection(async (connection) => {
        const limits = Array.from({ length: 60 }, (_, i) => (i % 3 === 0 ? 0 : 1));
        connection.write(`${limits.map((limit) => listStreams('', JSON.stringify({ Limit: limit }))).join('')}NONSENSE\r\n\r\n`);
        const answers = http1Answers(await connection.until((received) => http1Answers(received).length > 60));
        assert.deepEqual(
          answers.map(({ status }) => status),
          [...limits.map((limit) => (limit === 0 ? 400 : 200)), 400],
        );
      });
    });

    it('a body longer than its content-length is a request of its own, a shorter one is waited for until the end', async () => {
      await onConnection(async (connection) => {
        connection.write(listStreams().replace('content-length: 2', 'content-length: 1'));
        const answers = http1Answers(await connection.until((received) => http1Answers(received).length > 1));
        assert.deepEqual(
          answers.map(({ status }) => status),
          [400, 400],
        );
      });
      await onConnection(async (connection) => {
        connection.write(listStreams().replace('content-length: 2', 'content-length: 50'));
        connection.socket.end();
        await connection.until(() => false);
        assert.ok(connection.socket.readableEnded || connection.socket.destroyed, 'the server lets go of what cannot end');
      });
    });

    it('one who asks and ends his half still gets his answer', async () => {
      await onConnection(async (connection) => {
        connection.socket.end(listStreams());
        const answers = http1Answers(await connection.until((received) => http1Answers(received).length > 0));
        assert.equal(answers[0]?.status, 200);
      });
    });

    it('many who send a byte now and then hinder nobody, and not the end of the server', async () => {
      const other = await startKinesis({ limits: false });
      const slow = await Promise.all(Array.from({ length: 100 }, () => RawConnection.open(other.endpoint)));
      slow.forEach((connection, i) => connection.write(i % 2 === 0 ? 'P' : listStreams().slice(0, 60 + i)));
      const client = new Wire(other.endpoint);
      for (let i = 0; i < 5; i++) {
        for (const connection of slow) connection.write('R');
        assert.equal((await client.http2(good)).status, 200);
      }
      await client.close();
      await other.close();
      assert.ok(await eventually(() => slow.every(({ socket }) => socket.readableEnded || socket.destroyed)));
      for (const connection of slow) connection.close();
    });

    it('random bytes never end it', async () => {
      const random = new Random(seed);
      for (let i = 0; i < 60; i++) {
        const start = random.of(['', 'P', 'PO', 'POST / HTTP/1.1\r\n', 'GET ', listStreams().slice(0, random.below(120))]);
        await onConnection(async (connection) => {
          connection.socket.end(Buffer.concat([Buffer.from(start), random.bytes(random.below(300))]));
          await connection.until(() => false, 20);
        });
      }
    });
  });

  describe('over HTTP/2', () => {
    const h2 = async (parts: readonly Buffer[], patienceMs = 2_000): Promise<Buffer> => {
      const connection = await RawConnection.open(server.endpoint);
      connection.write(preface);
      connection.write(settings);
      for (const part of parts) connection.write(part);
      const received = await connection.until((bytes) => framesIn(bytes).some(({ type }) => type === frameTypes.goaway), patienceMs);
      connection.close();
      return received;
    };
    interface Frame {
      readonly type: number;
      readonly flags: number;
      readonly stream: number;
      readonly payload: Buffer;
    }
    const framesIn = (bytes: Buffer): Frame[] => {
      const frames: Frame[] = [];
      for (let at = 0; at + 9 <= bytes.length; ) {
        const length = bytes.readUIntBE(at, 3);
        frames.push({
          type: bytes[at + 3] ?? -1,
          flags: bytes[at + 4] ?? 0,
          stream: bytes.readUInt32BE(at + 5),
          payload: bytes.subarray(at + 9, at + 9 + length),
        });
        at += 9 + length;
      }
      return frames;
    };
    /** Requests of one connection are answered once their data frames have ended. */
    const answersIn = (bytes: Buffer) => framesIn(bytes).filter(({ type, flags }) => type === frameTypes.data && (flags & endStream) !== 0);

    it('methods it does not serve, and no target at all, are told as errors of the API', async () => {
      for (const [method, contentType, asked] of [
        ['PUT', cbor, ''],
        ['GET', json, target],
        ['POST', json, ''],
      ] as const) {
        const pairs = [[':method', method], [':scheme', 'http'], [':path', '/'], [':authority', 'x'], ['content-type', contentType], ['x-amz-target', asked]] as const; // biome-ignore format: pairs
        const connection = await RawConnection.open(server.endpoint);
        connection.write(Buffer.concat([preface, settings, frame(frameTypes.headers, endHeaders | endStream, 1, fields(pairs))]));
        const received = await connection.until((bytes) => answersIn(bytes).length > 0);
        assert.ok(received.includes('UnknownOperationException'), method);
        connection.close();
      }
    });

    it('trailers end a request as its last data does, and padding and priorities are read over', async () => {
      const padded = Buffer.concat([Buffer.from([4]), Buffer.from('{}'), Buffer.alloc(4)]);
      for (const parts of [
        [
          frame(frameTypes.data, 0, 1, Buffer.from('{}')),
          frame(frameTypes.headers, endHeaders | endStream, 1, fields([['x-trailer', 'v']])),
        ],
        [frame(frameTypes.data, 8 | endStream, 1, padded)],
        [
          frame(frameTypes.priority, 0, 1, Buffer.alloc(5)),
          frame(0xfe, 0xff, 1, Buffer.alloc(40)),
          frame(frameTypes.data, endStream, 1, Buffer.from('{}')),
        ],
      ]) {
        const connection = await RawConnection.open(server.endpoint);
        connection.write(Buffer.concat([preface, settings, frame(frameTypes.headers, endHeaders, 1, head2()), ...parts]));
        const received = await connection.until((bytes) => answersIn(bytes).length > 0);
        assert.ok(received.includes('"StreamNames":[]'));
        connection.close();
      }
    });

    it('headers beyond what it announces end the stream or the connection, not the server', async () => {
      const many = Array.from({ length: 300 }, (_, i) => [`x-${i}`, 'v'] as const);
      for (const block of [head2(many), head2([['x-huge', 'x'.repeat(15_000)]]), Buffer.concat([head2(), Buffer.alloc(1_000, 0xff)])]) {
        await h2([frame(frameTypes.headers, endHeaders | endStream, 1, block)], 200);
      }
    });

    it('header blocks that never end are cut off', async () => {
      const piece = fields(Array.from({ length: 300 }, (_, i) => [`x-${i}`, 'v'.repeat(40)] as const)).subarray(0, 16_000);
      const received = await h2([
        frame(frameTypes.headers, 0, 1, head2()),
        ...Array.from({ length: 400 }, () => frame(frameTypes.continuation, 0, 1, piece)),
      ]);
      assert.ok(received.length === 0 || framesIn(received).every(({ type }) => type !== frameTypes.headers));
    });

    it('streams begun and reset at once, settings, pings and empty frames by the thousand are bounded', async () => {
      const reset = Buffer.from([0, 0, 0, 8]);
      const storm = (count: number, make: (i: number) => Buffer) => Buffer.concat(Array.from({ length: count }, (_, i) => make(i)));
      const before = process.memoryUsage().rss;
      for (const flood of [
        storm(5_000, (i) =>
          Buffer.concat([frame(frameTypes.headers, endHeaders, 2 * i + 1, head2()), frame(frameTypes.reset, 0, 2 * i + 1, reset)]),
        ),
        storm(5_000, () => frame(frameTypes.settings, 0, 0, Buffer.from([0, 4, 0, 0, 255, 255]))),
        storm(5_000, () => frame(frameTypes.ping, 0, 0, Buffer.alloc(8))),
        storm(5_000, () => frame(frameTypes.priority, 0, 1, Buffer.alloc(5))),
        Buffer.concat([
          frame(frameTypes.headers, endHeaders, 1, head2()),
          storm(5_000, () => frame(frameTypes.data, 0, 1)),
          frame(frameTypes.data, endStream, 1, Buffer.from('{}')),
        ]),
      ]) {
        await h2([flood], 300);
      }
      assert.ok(process.memoryUsage().rss - before < 200_000_000, 'no flood is kept');
    });

    it('frames that break the protocol are refused by it', async () => {
      for (const bad of [
        frame(frameTypes.data, 0, 7, Buffer.from('x')),
        frame(frameTypes.headers, endHeaders, 0, head2()),
        frame(frameTypes.headers, endHeaders, 2, head2()),
        frame(frameTypes.settings, 0, 0, Buffer.from([0, 1, 2])),
        frame(frameTypes.settings, 0, 0, Buffer.from([0, 4, 255, 255, 255, 255])),
        frame(frameTypes.window, 0, 0, Buffer.alloc(4)),
        frame(frameTypes.window, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff])),
        frame(frameTypes.push, endHeaders, 1, head2()),
        frame(frameTypes.continuation, endHeaders, 1, head2()),
        frame(frameTypes.ping, 0, 0, Buffer.alloc(3)),
        frame(frameTypes.data, 0, 1, Buffer.alloc(10), 0xff_ff_ff),
        frame(frameTypes.headers, endHeaders, 1, Buffer.alloc(200, 0x80)),
      ]) {
        const frames = framesIn(await h2([bad]));
        assert.ok(
          frames.some(({ type }) => type === frameTypes.goaway),
          `${bad.toString('hex').slice(0, 40)}: ${frames.map(({ type }) => type).join(' ')}`,
        );
      }
    });

    it('half a preface, a preface alone and silence take nothing from others', async () => {
      const idle: RawConnection[] = [];
      for (const bytes of [
        preface.subarray(0, 10),
        preface,
        Buffer.concat([preface, settings]),
        Buffer.concat([preface, Buffer.from([0, 0])]),
      ]) {
        const connection = await RawConnection.open(server.endpoint);
        connection.write(bytes);
        idle.push(connection);
      }
      assert.equal((await wire.http2(good)).status, 200);
      for (const connection of idle) connection.close();
    });

    it('any of them left open keeps it from closing for no more than its grace', async () => {
      const other = await startKinesis({ limits: false });
      const open: RawConnection[] = [];
      for (const bytes of [
        Buffer.alloc(0),
        Buffer.from('P'),
        preface,
        Buffer.concat([preface, settings, frame(frameTypes.headers, endHeaders, 1, head2())]),
        Buffer.concat([preface, settings, frame(frameTypes.headers, 0, 1, head2())]),
        Buffer.concat([preface, settings, frame(frameTypes.data, 0, 7, Buffer.from('x'))]),
        Buffer.from('NONSENSE\r\n\r\n'),
        Buffer.from('CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n'),
        Buffer.from(listStreams().slice(0, 40)),
        Buffer.from(listStreams().replace('content-length: 2', 'content-length: 50')),
      ]) {
        const connection = await RawConnection.open(other.endpoint);
        connection.write(bytes);
        open.push(connection);
      }
      const client = new Wire(other.endpoint);
      await client.http2(good); // all before it have been read
      await client.close();
      const started = performance.now();
      await other.close();
      assert.ok(performance.now() - started < 1_500);
      for (const connection of open) connection.close();
    });

    it('random frames never end it', async () => {
      const random = new Random(seed);
      for (let i = 0; i < 60; i++) {
        const frames = Array.from({ length: 1 + random.below(8) }, () =>
          random.chance(0.2)
            ? random.bytes(random.below(60))
            : frame(
                random.below(12),
                random.below(256),
                random.of([0, 1, 3, 2 ** 31 - 1]),
                random.chance(0.4) ? head2() : random.bytes(random.below(80)),
              ),
        );
        await h2(frames, 15);
      }
    });

    it('a request that is taken back before its end is not carried out, whatever the reason given', async () => {
      const create = (name: string) => [
        frame(frameTypes.headers, endHeaders, 1, head2([], 'POST', 'CreateStream')),
        frame(frameTypes.data, 0, 1, Buffer.from(JSON.stringify({ StreamName: name, ShardCount: 1 }))),
      ];
      const ping = frame(frameTypes.ping, 0, 0, Buffer.alloc(8));
      const noError = 0;
      const cancel = 8;
      for (const [i, code] of [noError, cancel].entries()) {
        const reset = frame(frameTypes.reset, 0, 1, Buffer.from([0, 0, 0, code]));
        for (const parts of [create(`half-${i}`), create('').slice(0, 1)]) {
          const connection = await RawConnection.open(server.endpoint);
          const pinged = (times: number) =>
            connection.until((bytes) => framesIn(bytes).filter(({ type }) => type === frameTypes.ping).length === times);
          connection.write(Buffer.concat([preface, settings, ...parts, ping]));
          await pinged(1); // the request has begun
          connection.write(Buffer.concat([reset, ping]));
          await pinged(2);
          connection.close();
        }
      }
      const { body } = await wire.http2(good);
      assert.deepEqual((JSON.parse(body.toString()) as { StreamNames: string[] }).StreamNames, []);
    });

    it('a client that leaves amid an upload leaves nothing behind', async () => {
      const sockets = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
      const before = sockets();
      for (let i = 0; i < 20; i++) {
        const connection = await RawConnection.open(server.endpoint);
        connection.write(
          Buffer.concat([
            preface,
            settings,
            frame(frameTypes.headers, endHeaders, 1, head2()),
            frame(frameTypes.data, 0, 1, Buffer.alloc(16_000)),
          ]),
        );
        connection.socket.resetAndDestroy();
      }
      assert.ok(await eventually(() => sockets() <= before), `${before} sockets before, ${sockets()} after`);
    });
  });
});
