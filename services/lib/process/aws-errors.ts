import { ensureError, isPlatformError } from './errors.ts';

const passingNames = new Set([
  'ProvisionedThroughputExceededException',
  'LimitExceededException',
  'KMSThrottlingException',
  'ThrottlingException',
  'RequestLimitExceeded',
  'TransactionConflictException',
  'TransactionInProgressException',
]);

/** Reasons for which DynamoDB cancels a transaction that may go through after reading again (TransactWriteItems, Errors). */
const passingReasons = new Set([
  'None',
  'ConditionalCheckFailed',
  'TransactionConflict',
  'ThrottlingError',
  'ProvisionedThroughputExceeded',
]);

/**
 * Whether the same call to AWS may succeed later by itself: throttles, conflicts with another writer, faults of the server, and
 * whatever never got an answer. A right or a table that is missing does not come by waiting, and an error of ours is none of AWS's.
 */
export function canPass(error: unknown): boolean {
  if (isPlatformError(error)) return false;
  const { name } = ensureError(error);
  const { $metadata, CancellationReasons: reasons } = error as {
    readonly $metadata?: { readonly httpStatusCode?: number };
    readonly CancellationReasons?: readonly { readonly Code?: string }[];
  };
  if (name === 'TransactionCanceledException') return (reasons ?? []).every(({ Code }) => passingReasons.has(Code ?? 'None'));
  const status = $metadata?.httpStatusCode;
  return passingNames.has(name) || status === undefined || status >= 500;
}
