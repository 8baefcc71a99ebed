import { randomUUID } from 'node:crypto';
import { type BodyCollector, tooLarge } from './body.ts';
import type { Service } from './operations/call.ts';
import { operationOf } from './operations/index.ts';
import { cborCodec } from './protocol/cbor-codec.ts';
import type { Codec } from './protocol/codec.ts';
import { ApiError } from './protocol/errors.ts';
import { jsonCodec } from './protocol/json-codec.ts';

/** A request as either HTTP version delivers it. */
export interface ApiRequest {
  readonly method: string;
  readonly target: string;
  readonly contentType: string;
  readonly collected: BodyCollector;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Answers a request whose body has ended, and gives the body's memory back; never throws. */
export function answer(request: ApiRequest, service: Service): ApiAnswer {
  const { collected } = request;
  const given = collected.overflowed ? failure(tooLarge(), codecOf(request.contentType)) : answerBody(request, collected.take(), service);
  collected.release();
  return given;
}

function answerBody(request: ApiRequest, body: Buffer, service: Service): ApiAnswer {
  const codec = codecOf(request.contentType);
  try {
    if (request.method !== 'POST') throw new ApiError('UnknownOperationException', 'Only POST is served.');
    if (codec === undefined) throw new ApiError('UnknownOperationException', `Unknown content type: ${request.contentType.slice(0, 200)}`);
    const operation = operationOf(request.target);
    return { status: 200, headers: headersOf(codec), body: operation({ ...service, codec, input: codec.decode(body) }) };
  } catch (thrown) {
    return failure(thrown, codec);
  }
}

/** An error in the caller's own format, in JSON when that is unknown. */
export function failure(thrown: unknown, codec: Codec = jsonCodec): ApiAnswer {
  const error = thrown instanceof ApiError ? thrown : new ApiError('InternalFailure', `A defect of the local server: ${String(thrown)}`);
  return {
    status: error.status,
    headers: { ...headersOf(codec), 'x-amzn-errortype': error.code },
    body: codec.encode({ __type: error.code, message: error.message }),
  };
}

function codecOf(contentType: string): Codec | undefined {
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase();
  if (type === cborCodec.contentType) return cborCodec;
  return type === jsonCodec.contentType ? jsonCodec : undefined;
}

const headersOf = (codec: Codec) => ({ 'content-type': codec.contentType, 'x-amzn-requestid': randomUUID() });
