import { isPlatformError, PlatformError } from '../process/errors.ts';
import type { Fence } from './fence.ts';

/** Another owner has taken the next epoch: whatever was being done here must leave no trace. */
export const leaseLost = ({ shardId, epoch }: Fence, what: string): PlatformError =>
  new PlatformError('LEASE_LOST', `epoch ${epoch} of ${shardId} has been passed: ${what} was refused`);

export const isLeaseLost = (error: unknown): boolean => isPlatformError(error, 'LEASE_LOST');
