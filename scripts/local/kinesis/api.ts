import { randomUUID } from 'node:crypto';
import { type BodyCollector, tooLarge } from './body.ts';
import type { Exchange } from './exchange.ts';
import type { Fate } from './faults/faults.ts';
import { internalFailureMessage } from './faults/refusals.ts';
import { Subject } from './faults/subject.ts';
import type { OpenAnswer, Service } from './operations/call.ts';
import { operationNamed } from './operations/index.ts';
import { cborCodec } from './protocol/cbor-codec.ts';
import type { Codec } from './protocol/codec.ts';
import { ApiError } from './protocol/errors.ts';
import { jsonCodec } from './protocol/json-codec.ts';
import { answerSide, isSide } from './side/side.ts';

/** A request as either HTTP version delivers it. */
export interface ApiRequest {
  readonly method: string;
  /** With its query, as it was sent. */
  readonly path: string;
  readonly target: string;
  readonly contentType: string;
  readonly collected: BodyCollector;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | OpenAnswer;
  readonly fate?: Fate;
}

/** Carries out a request whose body has ended, answers it, and gives the body's memory back; never throws. */
export function serve(request: ApiRequest, service: Service, exchange: Exchange): void {
  const { collected, method, path } = request;
  const body = collected.overflowed ? undefined : collected.take();
  const answer: Answer = isSide(path)
    ? answerSide(method, path, body, service)
    : body === undefined
      ? failure(tooLarge(), codecOf(request.contentType))
      : answerTo(request, body, service);
  collected.release();
  const { fate } = answer;
  if (!fate?.delayMs) return send(answer, exchange);
  const forget = service.clock.after(fate.delayMs, () => send(answer, exchange));
  // A client that gives up must not leave up to 10 MiB behind; a reset cuts the connection, which may outlive the exchange.
  if (!fate.reset) exchange.onClose(forget);
}

function send({ status, headers, body, fate }: Answer, exchange: Exchange): void {
  if (fate?.reset) exchange.reset();
  else if (fate?.lost === 'drop') exchange.drop();
  else if (Buffer.isBuffer(body)) exchange.send(status, headers, body);
  else body.start(exchange.open(status, headers));
}

function answerTo(request: ApiRequest, body: Buffer, service: Service): Answer {
  const codec = codecOf(request.contentType);
  const startedAt = performance.now();
  let subject: Subject | undefined;
  let fate: Fate | undefined;
  const latencyMs = () => performance.now() - startedAt + (fate?.delayMs ?? 0);
  try {
    if (request.method !== 'POST') throw new ApiError('UnknownOperationException', 'Only POST is served.');
    if (codec === undefined) throw new ApiError('UnknownOperationException', `Unknown content type: ${request.contentType.slice(0, 200)}`);
    const { name, operation } = operationNamed(request.target);
    const input = codec.decode(body);
    subject = new Subject(name, input, service);
    fate = service.faults.fateOf(subject);
    if (fate.error !== undefined) throw fate.error;
    if (fate.reset) return { status: 0, headers: {}, body: nothing, fate };
    const result = operation({ ...service, service, codec, input, subject, latencyMs });
    if (fate.lost === 'error') return { ...failure(new ApiError('InternalFailure', internalFailureMessage), codec), fate };
    const contentType = Buffer.isBuffer(result) ? codec.contentType : result.contentType;
    return { status: 200, headers: headersOf(contentType), body: result, fate };
  } catch (thrown) {
    const error = errorOf(thrown);
    if (subject !== undefined) service.metrics.refused(subject, error, latencyMs());
    return { ...failure(error, codec), ...(fate && { fate }) };
  }
}

const nothing = Buffer.alloc(0);

/** An error in the caller's own format, in JSON when that is unknown. */
export function failure(error: ApiError, codec: Codec = jsonCodec): Answer & { readonly body: Buffer } {
  return {
    status: error.status,
    headers: { ...headersOf(codec.contentType), 'x-amzn-errortype': error.code },
    body: codec.encode({ __type: error.code, message: error.message }),
  };
}

const errorOf = (thrown: unknown): ApiError =>
  thrown instanceof ApiError ? thrown : new ApiError('InternalFailure', `A defect of the local server: ${String(thrown)}`);

function codecOf(contentType: string): Codec | undefined {
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase();
  if (type === cborCodec.contentType) return cborCodec;
  return type === jsonCodec.contentType ? jsonCodec : undefined;
}

const headersOf = (contentType: string) => ({ 'content-type': contentType, 'x-amzn-requestid': randomUUID() });
