import { ApiError } from '../protocol/errors.ts';
import type { Fault } from './fault-schema.ts';
import type { Subject } from './subject.ts';

/** Those whose throttling has a shard's name: the rest are limited by calls of the account (API reference, errors of each). */
const throttledByShard: ReadonlySet<string> = new Set(['GetRecords', 'GetShardIterator', 'PutRecord', 'PutRecords']);
const maxIteratorAgeMs = 300_000;

/** What AWS says of an entry or a request that failed inside of it (PutRecords, API reference, example). */
export const internalFailureMessage = 'Internal service failure.';

/** The error that a fault answers instead of carrying the request out. */
export function refusalOf(fault: Extract<Fault, { kind: 'throttle' | 'error' | 'expired-iterator' }>, subject: Subject): ApiError {
  if (fault.kind === 'expired-iterator') {
    return new ApiError('ExpiredIteratorException', `Iterator expired. It is older than ${maxIteratorAgeMs} milliseconds.`);
  }
  if (fault.kind === 'error') {
    return fault.code === 'ServiceUnavailable'
      ? new ApiError('ServiceUnavailable', 'The request has failed due to a temporary failure of the server.')
      : new ApiError('InternalFailure', internalFailureMessage);
  }
  const byShard = throttledByShard.has(subject.operation);
  const shard = fault.shard ?? subject.readShard?.id ?? subject.records().keys().next().value?.id;
  const inShard = byShard && shard !== undefined ? `shard ${shard} in ` : '';
  const inStream = subject.stream === undefined ? '' : `stream ${subject.stream} under `;
  return new ApiError(
    byShard ? 'ProvisionedThroughputExceededException' : 'LimitExceededException',
    `Rate exceeded for ${inShard}${inStream}account ${subject.accountId}.`,
  );
}
