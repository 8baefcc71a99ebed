import assert from 'node:assert/strict';
import { request as http1Request } from 'node:http';
import { connect } from 'node:http2';
import { EventStreamCodec } from '@smithy/core/event-streams';
import { Decoder, encode } from 'cbor-x';
import { startMs, type Transport, transports } from '../rig.ts';
import { FanoutRig } from './fanout-rig.ts';

const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes).toString('utf8'),
  (text) => Buffer.from(text, 'utf8'),
);
const decoder = new Decoder({ mapsAsObjects: true, useRecords: false, int64AsNumber: true } as object);

interface RawMessage {
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
}

/** The first messages of an event stream as they stand, past any SDK's parsing. */
async function messages(source: AsyncIterable<Buffer>, count: number): Promise<RawMessage[]> {
  const found: RawMessage[] = [];
  let held = Buffer.alloc(0);
  for await (const chunk of source) {
    held = Buffer.concat([held, chunk]);
    while (held.length >= 4 && held.length >= held.readUInt32BE(0)) {
      const { headers, body } = codec.decode(held.subarray(0, held.readUInt32BE(0)));
      found.push({
        headers: Object.fromEntries(Object.entries(headers).map(([name, { value }]) => [name, value])),
        body: Buffer.from(body),
      });
      held = held.subarray(held.readUInt32BE(0));
    }
    if (found.length >= count) break;
  }
  return found;
}

async function rawSubscribe(rig: FanoutRig, transport: Transport, contentType: string, body: Buffer) {
  const headers = { 'content-type': contentType, 'x-amz-target': 'Kinesis_20131202.SubscribeToShard' };
  if (transport === 'http1') {
    return new Promise<{ type: string; stream: AsyncIterable<Buffer>; leave: () => void }>((resolve, reject) => {
      const request = http1Request(rig.server.endpoint, { method: 'POST', headers }, (response) =>
        resolve({ type: `${response.headers['content-type']}`, stream: response, leave: () => response.destroy() }),
      );
      request.on('error', reject).end(body);
    });
  }
  const session = connect(rig.server.endpoint);
  const stream = session.request({ ':method': 'POST', ':path': '/', ...headers });
  stream.end(body);
  const type = await new Promise<string>((resolve) => stream.on('response', (head) => resolve(`${head['content-type']}`)));
  return { type, stream: stream as AsyncIterable<Buffer>, leave: () => session.destroy() };
}

const formats = {
  'application/x-amz-json-1.1': {
    encode: (value: unknown) => Buffer.from(JSON.stringify(value)),
    decode: (bytes: Buffer): unknown => JSON.parse(bytes.toString()),
    data: (text: string): unknown => Buffer.from(text).toString('base64'),
    arrival: startMs / 1_000,
  },
  'application/x-amz-cbor-1.1': {
    encode: (value: unknown) => encode(value),
    decode: (bytes: Buffer): unknown => decoder.decode(bytes),
    data: (text: string): unknown => Buffer.from(text),
    // The tag of a timestamp counts seconds in CBOR and milliseconds at AWS; cbor-x follows the former.
    arrival: new Date(startMs * 1_000),
  },
};

for (const transport of transports) {
  for (const [contentType, format] of Object.entries(formats)) {
    it(`Local Kinesis, a subscription over ${transport} in ${contentType}: initial-response, events, an exception`, async () => {
      const rig = await FanoutRig.open({ limits: false });
      const put = await rig.put('s', [{ key: 'kéy', data: 'first' }]);
      const input = { ConsumerARN: rig.consumerArn, ShardId: rig.shardId, StartingPosition: { Type: 'TRIM_HORIZON' } };
      const { type, stream, leave } = await rawSubscribe(rig, transport, contentType, format.encode(input));
      assert.equal(type, 'application/vnd.amazon.eventstream');
      rig.pass(5_000);
      await (await rig.subscribe({ Type: 'LATEST' })).leave();
      const [initial, event, idle, exception] = await messages(stream, 4);
      leave();
      const headers = { ':message-type': 'event', ':content-type': contentType };
      assert.deepEqual(initial?.headers, { ...headers, ':event-type': 'initial-response' });
      assert.deepEqual(format.decode(initial.body), {});
      assert.deepEqual(event?.headers, { ...headers, ':event-type': 'SubscribeToShardEvent' });
      const { ContinuationSequenceNumber: continuation, ...pushed } = format.decode(event.body) as Record<string, unknown>;
      const record = { SequenceNumber: put.Records?.[0]?.SequenceNumber, PartitionKey: 'kéy' };
      assert.deepEqual(pushed, {
        Records: [{ ...record, Data: format.data('first'), ApproximateArrivalTimestamp: format.arrival }],
        MillisBehindLatest: 0,
      });
      assert.deepEqual(format.decode(idle?.body ?? Buffer.alloc(0)), {
        Records: [],
        ContinuationSequenceNumber: continuation,
        MillisBehindLatest: 0,
      });
      assert.deepEqual(exception?.headers, {
        ':message-type': 'exception',
        ':exception-type': 'ResourceInUseException',
        ':content-type': contentType,
      });
      assert.match((format.decode(exception.body) as { message: string }).message, /^Another active subscription/);
      await rig.stop();
    });
  }
}
