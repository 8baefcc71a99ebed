import { ApiError } from '../protocol/errors.ts';
import type { Store } from '../store/store.ts';

/** Open shards of the account; AWS's default lies between 500 and 20,000 by region. */
export const shardQuota = 1_000;
/** On-demand streams of the account (service quotas of Kinesis Data Streams). */
export const onDemandQuota = 50;
/** CreateStream, API reference: "Have more than five streams in the CREATING state at any point in time". */
const changingQuota = 5;

const exceeded = (message: string): ApiError => new ApiError('LimitExceededException', message);

export function assertShardQuota(store: Store, more: number): void {
  const current = store.openShardCount();
  if (current + more <= shardQuota) return;
  throw exceeded(
    `This request would exceed the shard limit for the account ${store.accountId} in ${store.region}. Current shard count for the account: ${current}. Limit: ${shardQuota}. Number of additional shards that would have resulted from this request: ${more}. Refer to the AWS Service Limits page (http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) for current limits and how to request higher limits.`,
  );
}

export function assertOnDemandQuota(store: Store): void {
  const current = store.list().filter(({ mode }) => mode === 'ON_DEMAND').length;
  if (current < onDemandQuota) return;
  throw exceeded(
    `This request would exceed the limit on the number of On-Demand streams for the account ${store.accountId} in ${store.region}. Current On-Demand streams count: ${current}. Limit: ${onDemandQuota}.`,
  );
}

/** AWS counts streams that are being deleted as well. */
export function assertChangingQuota(store: Store): void {
  if (store.list().filter(({ status }) => status === 'CREATING' || status === 'DELETING').length < changingQuota) return;
  throw exceeded(
    `This request would have exceeded the limit on the number of streams that can simultaneously be in CREATING or DELETING for the account ${store.accountId}. Limit: ${changingQuota}.`,
  );
}
