import assert from 'node:assert/strict';
import type { Check } from '../check.ts';
import { type Context, typeOf } from '../context.ts';
import { framesOf } from '../event-frames.ts';
import { activeConsumer } from '../subscription.ts';
import { cbor, decodeBody, encodeBody, json, type WholeAnswer } from '../wire.ts';

const first = 'shardId-000000000000';
const jsonProtocol = 'Smithy, AWS JSON 1.1 protocol';
const target = 'Kinesis_20131202.DescribeStreamSummary';
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const clockToleranceMs = 300_000;

function assertError({ status, headers, ...answer }: WholeAnswer, type: string, contentType: string): void {
  assert.equal(status, 400);
  assert.equal(headers['content-type']?.split(';')[0], contentType);
  assert.equal(typeOf({ status, headers, ...answer }), type, answer.body.toString());
}

const absent = (context: Context, contentType: string) => context.operation('DescribeStream', { StreamName: context.name() }, contentType);

export const wireChecks: readonly Check[] = [
  ...([json, cbor] as const).flatMap((contentType): Check[] => {
    const format = contentType === json ? 'JSON' : 'CBOR';
    return [
      {
        id: `${format}: an answer has the content type of the request and a request id`,
        cites: `${jsonProtocol}: "Content-Type"; API reference, Common: x-amzn-RequestId of every answer`,
        async run(context) {
          const { name } = await context.shared();
          const { status, headers } = await context.operation('DescribeStreamSummary', { StreamName: name }, contentType);
          assert.deepEqual([status, headers['content-type']?.split(';')[0]], [200, contentType]);
          assert.match(headers['x-amzn-requestid'] ?? '', uuid);
        },
      },
      {
        id: `${format}: an error has status 400, its name in __type, a message, and the format of the request`,
        cites: `${jsonProtocol}, Operation error serialization: "__type"; Common Errors: HTTP Status Code 400`,
        async run(context) {
          const answer = await absent(context, contentType);
          assertError(answer, 'ResourceNotFoundException', contentType);
          const message = answer.value?.['message'] ?? answer.value?.['Message'];
          assert.ok(typeof message === 'string' && message.length > 0);
          assert.match(answer.headers['x-amzn-requestid'] ?? '', uuid);
        },
      },
      {
        id: `${format}: x-amzn-ErrorType, where it is sent, names the error of the body`,
        cites: `${jsonProtocol}, Operation error serialization: "x-amzn-errortype" or "__type"`,
        async run(context) {
          const { headers } = await absent(context, contentType);
          assert.match(headers['x-amzn-errortype'] ?? 'ResourceNotFoundException', /^(.*#)?ResourceNotFoundException(:.*)?$/);
        },
      },
      {
        id: `${format}: an operation that is none is refused with UnknownOperationException`,
        cites: 'Common Errors: InvalidAction; the service itself answers UnknownOperationException',
        async run(context) {
          const answer = await context.raw({ target: 'Kinesis_20131202.NoSuch', contentType, body: encodeBody(contentType, {}) });
          assertError(answer, 'UnknownOperationException', contentType);
        },
      },
      {
        id: `${format}: members that are null are as good as absent`,
        cites: `${jsonProtocol}: "null" members of a structure are those that are not set`,
        async run(context) {
          const { name } = await context.shared();
          const input = { StreamName: name, StreamARN: null, Limit: null };
          assert.equal((await context.operation('DescribeStream', input, contentType)).status, 200);
        },
      },
      {
        id: `${format}: members that the operation does not know are ignored`,
        cites: `${jsonProtocol}: "unknown members" of a structure are ignored`,
        async run(context) {
          const { name } = await context.shared();
          const answer = await context.operation('DescribeStreamSummary', { StreamName: name, Unheard: { of: [1] } }, contentType);
          assert.equal(answer.status, 200, answer.body.toString());
        },
      },
    ];
  }),
  ...(
    [
      ['JSON that is none', json, 'no json'],
      ['JSON that is cut off', json, '{"StreamName":"a"'],
      ['a JSON list instead of an object', json, '[]'],
      ['a JSON string instead of an object', json, '"StreamName"'],
      ['CBOR that is cut off', cbor, Buffer.from('a16a53747265616d4e61', 'hex')],
      ['CBOR whose length is beyond its end', cbor, Buffer.from('bb7fffffffffffffff', 'hex')],
    ] as const
  ).map(
    ([what, contentType, body]): Check => ({
      id: `SerializationException: ${what} is refused so`,
      cites: `${jsonProtocol}: a body that is not the format named is a SerializationException`,
      run: async (context) => assertError(await context.raw({ target, contentType, body }), 'SerializationException', contentType),
    }),
  ),
  {
    id: 'JSON: each request has an id of its own',
    cites: 'API reference, Common: x-amzn-RequestId',
    async run(context) {
      const ids = [await absent(context, json), await absent(context, json)].map(({ headers }) => headers['x-amzn-requestid']);
      assert.notEqual(ids[0], ids[1]);
    },
  },
  {
    id: 'JSON: a timestamp is a number of seconds',
    cites: `${jsonProtocol}, Timestamp: "epoch-seconds"`,
    async run(context) {
      const { name } = await context.stream();
      const { value } = await context.operation('DescribeStreamSummary', { StreamName: name });
      const created = (value?.['StreamDescriptionSummary'] as Record<string, unknown> | undefined)?.['StreamCreationTimestamp'];
      assert.equal(typeof created, 'number');
      assert.ok(Math.abs(Number(created) * 1_000 - context.now()) < clockToleranceMs, String(created));
    },
  },
  {
    id: 'CBOR: a timestamp is a number of milliseconds, under tag 1 or bare',
    cites: 'AWS SDK for Java 2, CBOR protocol: timestamps in all locations are UNIX_TIMESTAMP_MILLIS',
    async run(context) {
      const { name } = await context.stream();
      const { value } = await context.operation('DescribeStreamSummary', { StreamName: name }, cbor);
      const created = (value?.['StreamDescriptionSummary'] as Record<string, unknown> | undefined)?.['StreamCreationTimestamp'];
      // The general CBOR reader takes what stands under tag 1 for seconds, as RFC 8949 has it.
      const milliseconds = created instanceof Date ? created.getTime() / 1_000 : Number(created);
      assert.ok(Math.abs(milliseconds - context.now()) < clockToleranceMs, String(milliseconds));
    },
  },
  {
    id: 'JSON: a blob is base64',
    cites: `${jsonProtocol}, Blob: "base64-encoded"`,
    async run(context) {
      const stream = await context.stream();
      await context.put(stream, 'a', 'ÿ~');
      const { value } = await context.operation('GetRecords', { ShardIterator: await context.iterator(stream, first) });
      const [record] = (value?.['Records'] ?? []) as { Data: string }[];
      assert.equal(record?.Data, Buffer.from('ÿ~').toString('base64'));
    },
  },
  {
    id: 'JSON: a blob that is no base64 is refused with SerializationException',
    cites: `${jsonProtocol}, Blob: "base64-encoded"`,
    async run(context) {
      const { name } = await context.shared();
      await context.refusedRaw('PutRecord', { StreamName: name, PartitionKey: 'a', Data: '*no*' }, 'SerializationException');
    },
  },
  {
    id: 'CBOR: a record put in CBOR is the same record, as a byte string',
    cites: 'RFC 8949, major type 2: byte string; AWS SDK for Java 2, CBOR protocol',
    async run(context) {
      const stream = await context.stream();
      const data = Buffer.from([0, 255, 128, 10]);
      const put = await context.operation('PutRecord', { StreamName: stream.name, PartitionKey: 'k', Data: data }, cbor);
      assert.equal(put.status, 200, put.body.toString());
      assert.match(String(put.value?.['SequenceNumber']), /^\d+$/);
      const { value } = await context.operation('GetRecords', { ShardIterator: await context.iterator(stream, first) }, cbor);
      const [record] = (value?.['Records'] ?? []) as { Data: Uint8Array; PartitionKey: string }[];
      assert.deepEqual([Buffer.from(record?.Data ?? []), record?.PartitionKey], [data, 'k']);
    },
  },
  ...([json, cbor] as const).map(
    (contentType): Check => ({
      id: `SubscribeToShard: in ${contentType === json ? 'JSON' : 'CBOR'}, the answer is an event stream: initial-response, then SubscribeToShardEvent`,
      cites:
        'SubscribeToShardOutput, EventStream; Smithy, Amazon Event Stream specification: ":message-type", ":event-type", ":content-type"',
      async run(context) {
        const stream = await context.stream();
        await context.put(stream, 'key', 'data');
        const input = {
          ConsumerARN: await activeConsumer(context, stream.arn),
          ShardId: first,
          StartingPosition: { Type: 'TRIM_HORIZON' },
        };
        const body = encodeBody(contentType, input);
        const answer = await context.open({ target: 'Kinesis_20131202.SubscribeToShard', contentType, body });
        assert.equal(answer.status, 200);
        assert.equal(answer.headers['content-type'], 'application/vnd.amazon.eventstream');
        const kinds: (string | undefined)[] = [];
        for await (const { headers, payload } of framesOf(answer.body)) {
          assert.equal(headers[':message-type'], 'event');
          kinds.push(headers[':event-type']);
          const event = decodeBody(contentType, payload) ?? assert.fail(`an event that is not ${contentType}: ${payload.toString()}`);
          const [record] = (event['Records'] ?? []) as Record<string, unknown>[];
          if (record === undefined) continue;
          assert.match(headers[':content-type'] ?? '', contentType === cbor ? /cbor/ : /json/);
          const data = record['Data'];
          assert.equal(
            typeof data === 'string' ? Buffer.from(data, 'base64').toString() : Buffer.from(data as Uint8Array).toString(),
            'data',
          );
          assert.equal(record['PartitionKey'], 'key');
          break;
        }
        assert.equal(kinds[0], 'initial-response');
        assert.equal(kinds.at(-1), 'SubscribeToShardEvent');
      },
    }),
  ),
];
