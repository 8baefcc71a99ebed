import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { ListStreamsCommand, UpdateMaxRecordSizeCommand } from '@aws-sdk/client-kinesis';
import { Decoder, encode, Tag } from 'cbor-x';
import { isLoopback, listenersOf } from '../../../support/sockets.ts';
import { awsError, clientOf, RawClient, Rig, startMs, textOf, transports } from './rig.ts';
import { SideClient, until } from './side/client.ts';

const json = 'application/x-amz-json-1.1';
const cbor = 'application/x-amz-cbor-1.1';
const target = (operation: string) => `Kinesis_20131202.${operation}`;

describe('local Kinesis: CBOR as the Java SDK speaks it', () => {
  let rig: Rig;
  let raw: RawClient;
  before(async () => {
    rig = await Rig.start();
    raw = new RawClient(rig.server.endpoint);
  });
  after(async () => {
    raw.close();
    await rig.stop();
  });

  // Independent of the server's own codec; numbers above 2^32 as numbers, tags as they come.
  const decoder = new Decoder({ mapsAsObjects: true, useRecords: false, int64AsNumber: true } as object);
  const call = async (operation: string, input: object) => {
    const answer = await raw.call(target(operation), cbor, encode(input));
    assert.equal(answer.contentType, cbor);
    return { ...answer, value: (answer.body.length === 0 ? {} : decoder.decode(answer.body)) as Record<string, unknown> };
  };

  it('puts, lists, positions and reads, with blobs as bytes', async () => {
    await call('CreateStream', { StreamName: 's', ShardCount: 1 });
    const records = ['one', 'ключ', 'x'.repeat(300)].map((key) => ({ Data: Buffer.from(`data of ${key}`), PartitionKey: key }));
    const put = await call('PutRecords', { StreamName: 's', Records: records });
    assert.equal(put.value['FailedRecordCount'], undefined, 'a key of 300 characters is refused');
    assert.equal(put.status, 400);
    records.pop();
    const { value } = await call('PutRecords', { StreamName: 's', Records: records });
    assert.equal(value['FailedRecordCount'], 0);
    const { value: position } = await call('GetShardIterator', {
      StreamName: 's',
      ShardId: 'shardId-000000000000',
      ShardIteratorType: 'TRIM_HORIZON',
    });
    const { value: read } = await call('GetRecords', { ShardIterator: position['ShardIterator'] });
    const found = read['Records'] as { Data: Buffer; PartitionKey: string; SequenceNumber: string }[];
    assert.deepEqual(
      found.map(({ Data, PartitionKey }) => ({ Data: Buffer.from(Data), PartitionKey })),
      records,
    );
    assert.deepEqual(
      found.map(({ SequenceNumber }) => SequenceNumber),
      (value['Records'] as { SequenceNumber: string }[]).map(({ SequenceNumber }) => SequenceNumber),
    );
    assert.equal(read['MillisBehindLatest'], 0);
    assert.equal(typeof read['NextShardIterator'], 'string');
  });

  it('writes and reads timestamps as whole milliseconds under tag 1', async () => {
    await call('CreateStream', { StreamName: 't', ShardCount: 1 });
    await rig.put('t', [{ key: 'k', data: 'd' }]);
    rig.pass(1);
    const at = async (epochMs: number) => {
      const input = {
        StreamName: 't',
        ShardId: 'shardId-000000000000',
        ShardIteratorType: 'AT_TIMESTAMP',
        Timestamp: new Tag(BigInt(epochMs), 1),
      };
      const { value } = await call('GetShardIterator', input);
      const { body } = await raw.call(target('GetRecords'), cbor, encode({ ShardIterator: value['ShardIterator'] }));
      return body;
    };
    const name = Buffer.from('ApproximateArrivalTimestamp');
    const body = await at(startMs);
    const after = body.indexOf(name) + name.length;
    assert.equal(body.toString('hex', after, after + 2), 'c11b', 'tag 1, then an unsigned integer of 8 bytes');
    assert.equal(Number(body.readBigUInt64BE(after + 2)), startMs);
    assert.equal((await at(startMs + 1)).indexOf(name), -1);
  });

  it('tells errors in CBOR, entry by entry in PutRecords', async () => {
    const missing = await call('DescribeStream', { StreamName: 'nowhere' });
    assert.equal(missing.status, 400);
    assert.equal(missing.errorType, 'ResourceNotFoundException');
    assert.match(missing.requestId ?? '', /^[0-9a-f-]{36}$/);
    assert.deepEqual(missing.value, {
      __type: 'ResourceNotFoundException',
      message: 'Stream nowhere under account 000000000000 not found.',
    });
    await call('CreateStream', { StreamName: 'l', ShardCount: 1 });
    const big = { Data: Buffer.alloc(700_000), PartitionKey: 'k' };
    const { value } = await call('PutRecords', { StreamName: 'l', Records: [big, big] });
    const entries = value['Records'] as Record<string, string>[];
    assert.equal(value['FailedRecordCount'], 1);
    assert.equal(entries[1]?.['ErrorCode'], 'ProvisionedThroughputExceededException');
  });
});

describe('local Kinesis: the port', () => {
  let rig: Rig;
  before(async () => {
    rig = await Rig.start({ limits: false });
    await rig.create('s', 1);
  });
  after(() => rig.stop());

  const dial = async (): Promise<Socket> => {
    const socket = connect(Number(new URL(rig.server.endpoint).port), '127.0.0.1');
    await once(socket, 'connect');
    return socket;
  };
  const isUp = async () => {
    for (const transport of ['http1', 'http2'] as const) {
      const client = clientOf(rig.server.endpoint, transport);
      assert.deepEqual((await client.send(new ListStreamsCommand({}))).StreamNames, ['s']);
      client.destroy();
    }
  };

  it('is on loopback alone', function () {
    if (process.platform !== 'linux') this.skip();
    const port = Number(new URL(rig.server.endpoint).port);
    const mine = listenersOf([process.pid]).filter((listener) => listener.port === port);
    assert.equal(mine.length, 1);
    assert.ok(mine.every(isLoopback));
  });

  it('tells the protocols apart however the first bytes are cut', async () => {
    const body = '{}';
    const head = `host: x\r\ncontent-type: ${json}\r\nx-amz-target: ${target('ListStreams')}\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n`;
    const socket = await dial();
    let answer = '';
    socket.on('data', (chunk) => {
      answer += String(chunk);
    });
    for (const part of ['P', 'O', 'ST / HTTP/1.1\r\n', head, body]) {
      socket.write(part);
      await new Promise(setImmediate);
    }
    await once(socket, 'close');
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n[^]*"StreamNames":\["s"\]/);
  });

  it('closes at once with idle connections of both kinds open', async () => {
    const other = await Rig.start();
    const clients = (['http1', 'http2'] as const).map((transport) => clientOf(other.server.endpoint, transport));
    for (const client of clients) await client.send(new ListStreamsCommand({}));
    const raw = new RawClient(other.server.endpoint); // keeps its session, which the SDK's may not
    await raw.call(target('ListStreams'), json, Buffer.from('{}'));
    const undecided = connect(Number(new URL(other.server.endpoint).port), '127.0.0.1');
    await once(undecided, 'connect');
    undecided.on('error', () => {});
    const started = performance.now();
    await other.stop();
    assert.ok(performance.now() - started < 400, 'no connection had to be cut off after the grace');
    for (const client of clients) client.destroy();
  });

  for (const transport of transports) {
    it(`closes as soon as what was under way is answered, over ${transport}`, async () => {
      const other = await Rig.start({ limits: false, transport, faults: { kind: 'slow', delayMs: 1_000, operations: ['ListStreams'] } });
      const answer = other.client.send(new ListStreamsCommand({}));
      const side = new SideClient(other.server.endpoint);
      await until(async () => (await side.counts())[0]?.[1] === 1);
      const started = performance.now();
      const closed = other.server.close();
      other.pass(1_000);
      assert.deepEqual((await answer).StreamNames, []);
      await closed;
      assert.ok(performance.now() - started < 400, 'no connection had to be cut off after the grace');
      await other.stop();
    });
  }

  it('names operations it lacks and those there are not', async () => {
    const larger = new UpdateMaxRecordSizeCommand({ MaxRecordSizeInKiB: 2_048 });
    await assert.rejects(rig.client.send(larger), awsError('UnsupportedOperationException', /UpdateMaxRecordSize/));
    const raw = new RawClient(rig.server.endpoint);
    for (const [name, contentType, method] of [
      [target('Fly'), json, 'POST'],
      ['DynamoDB_20120810.ListTables', json, 'POST'],
      ['', json, 'POST'],
      [target('ListStreams'), 'text/plain', 'POST'],
      [target('ListStreams'), json, 'PUT'],
    ] as const) {
      const answer = await raw.call(name, contentType, Buffer.from('{}'), method);
      assert.deepEqual([answer.status, answer.errorType], [400, 'UnknownOperationException'], `${method} ${name} ${contentType}`);
    }
    raw.close();
  });

  it('answers bodies that are not what they say with SerializationException', async () => {
    const raw = new RawClient(rig.server.endpoint);
    const put = (data: unknown) => JSON.stringify({ StreamName: 's', Records: [{ Data: data, PartitionKey: 'k' }] });
    for (const [body, contentType] of [
      ['{"StreamName":', json],
      ['[]', json],
      ['"s"', json],
      [put('not base64!'), json],
      [put('YWJj\nYWJj'), json],
      [put(7), json],
      ['{"StreamName":"s","Records":[7]}', json],
      ['{"StreamName":"s","Records":{}}', json],
      [Buffer.from('bf', 'hex'), cbor],
      [Buffer.from('9b7fffffffffffffff', 'hex'), cbor],
      [Buffer.from('9a01ffffff'.repeat(100), 'hex'), cbor],
      [Buffer.from('81'.repeat(10_000), 'hex'), cbor],
      [encode({ StreamName: 's', Records: [{ Data: 'text', PartitionKey: 'k' }] }), cbor],
    ] as const) {
      const answer = await raw.call(target('PutRecords'), contentType, Buffer.from(body as Buffer));
      assert.deepEqual([answer.status, answer.errorType], [400, 'SerializationException'], String(body).slice(0, 60));
    }
    raw.close();
    assert.deepEqual(await rig.read('s', 'shardId-000000000000'), []);
  });

  it('refuses a body beyond 16 MiB and lives on', async () => {
    const raw = new RawClient(rig.server.endpoint);
    const answer = await raw.call(target('PutRecords'), json, Buffer.alloc(16_777_217, 0x20));
    assert.deepEqual([answer.status, answer.errorType], [413, 'RequestEntityTooLargeException']);
    raw.close();
    await isUp();
  });
});

describe('local Kinesis: the byte cap', () => {
  it('trims the oldest records of the server, moves TRIM_HORIZON, and says so', async () => {
    let trims = 0;
    const rig = await Rig.start({ limits: false, maxBytes: 5_000_000, onTrim: () => (trims += 1) });
    try {
      await rig.create('old', 1);
      await rig.create('new', 1);
      await rig.put('old', [{ key: 'k', data: 'oldest' }]);
      const [id, stale] = ['shardId-000000000000', await rig.iterator('old', 'shardId-000000000000')];
      rig.pass(1);
      for (let i = 0; i < 6; i++) await rig.put('new', [{ key: 'k', data: Buffer.alloc(1_000_000, i) }]);
      assert.equal(trims, 3);
      assert.deepEqual(
        (await rig.read('new', id)).map(({ Data }) => Data?.[0]),
        [2, 3, 4, 5],
      );
      await rig.put('old', [{ key: 'k', data: 'newest' }]);
      assert.deepEqual((await rig.get(stale)).Records?.map(textOf), ['newest']);
    } finally {
      await rig.stop();
    }
  });
});
