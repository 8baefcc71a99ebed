import assert from 'node:assert/strict';
import { Decoder } from 'cbor-x';
import { cbor, json } from './requests.ts';
import type { WireAnswer } from './wire.ts';

// Independent of the server's own codec; numbers above 2^32 as numbers, tags as they come.
const decoder = new Decoder({ mapsAsObjects: true, useRecords: false, int64AsNumber: true } as object);
const errorName = /^[A-Z][A-Za-z]+(Exception|Failure)$/;

/** Throws unless the answer is one that AWS could give: a success in the caller's format, or an error of the API's shape. */
export function assertAwsShaped(answer: WireAnswer, asked: string): void {
  assert.match(answer.requestId ?? '', /^[0-9a-f-]{36}$/, 'x-amzn-requestid');
  if (answer.status === 200 && answer.contentType === 'application/vnd.amazon.eventstream') return;
  assert.equal(answer.contentType, asked === cbor ? cbor : json, 'content-type');
  const value = decoded(answer);
  if (answer.status === 200) {
    assert.equal(answer.errorType, undefined);
    assert.equal(value['__type'], undefined);
    return;
  }
  assert.ok(answer.status >= 400 && answer.status < 500, `status ${answer.status}: ${JSON.stringify(value)}`);
  assert.match(answer.errorType ?? '', errorName);
  assert.equal(value['__type'], answer.errorType);
  assert.equal(typeof value['message'], 'string');
}

function decoded({ body, contentType }: WireAnswer): Record<string, unknown> {
  if (body.length === 0) return {};
  const value: unknown = contentType === cbor ? decoder.decode(body) : JSON.parse(body.toString('utf8'));
  assert.ok(typeof value === 'object' && value !== null && !Array.isArray(value));
  return value as Record<string, unknown>;
}
