import { Readable } from 'node:stream';
import { type KinesisClient, ListStreamsCommand } from '@aws-sdk/client-kinesis';
import { Decoder, encode } from 'cbor-x';

/** 64-bit integers as numbers: the reader's type does not know the option, the reader does. */
const options = { useRecords: false, int64AsNumber: true };
const reader = new Decoder(options);

export const json = 'application/x-amz-json-1.1';
export const cbor = 'application/x-amz-cbor-1.1';

/** A request as it goes over the wire: nothing of it is checked or mended on the way. */
export interface RawRequest {
  /** The header x-amz-target. */
  readonly target: string;
  readonly contentType: string;
  readonly body: Buffer | string;
}

export interface RawAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array>;
}

export interface WholeAnswer extends Omit<RawAnswer, 'body'> {
  readonly body: Buffer;
  /** The body as its content type says; undefined when it is empty. */
  readonly value: Record<string, unknown> | undefined;
}

interface HttpMessage {
  statusCode: number;
  headers: Record<string, string>;
  body: unknown;
}

/**
 * Sends a request through the SDK's client, so that connection and signature are the SDK's own for every target, while target,
 * content type, body and answer are the caller's: the command is only the vehicle.
 */
export async function sendRaw(client: KinesisClient, request: RawRequest): Promise<RawAnswer> {
  let answer: RawAnswer | undefined;
  const vehicle = new ListStreamsCommand({});
  vehicle.middlewareStack.add(
    (next) => (args) => {
      const message = args.request as HttpMessage;
      message.body = request.body;
      message.headers['x-amz-target'] = request.target;
      message.headers['content-type'] = request.contentType;
      message.headers['content-length'] = String(Buffer.byteLength(request.body));
      return next(args);
    },
    { step: 'build', priority: 'low', name: 'rawRequest' },
  );
  vehicle.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { statusCode, headers, body } = result.response as HttpMessage;
      answer = { status: statusCode, headers: { ...headers }, body: body as AsyncIterable<Uint8Array> };
      Object.assign(result.response as HttpMessage, { statusCode: 200, headers: {}, body: Readable.from([Buffer.from('{}')]) });
      return result;
    },
    { step: 'deserialize', priority: 'low', name: 'rawAnswer' },
  );
  await client.send(vehicle);
  if (answer === undefined) throw new Error('the request was not answered');
  return answer;
}

export async function wholeAnswer({ body, ...rest }: RawAnswer): Promise<WholeAnswer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const whole = Buffer.concat(chunks);
  return { ...rest, body: whole, value: whole.length === 0 ? undefined : decodeBody(rest.headers['content-type'] ?? '', whole) };
}

export function encodeBody(contentType: string, value: unknown): Buffer {
  return contentType === cbor ? Buffer.from(encode(value)) : Buffer.from(JSON.stringify(value));
}

export function decodeBody(contentType: string, body: Buffer): Record<string, unknown> | undefined {
  try {
    return (contentType.startsWith(cbor) ? reader.decode(body) : JSON.parse(body.toString())) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
