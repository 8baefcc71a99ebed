import { ApiError } from '../protocol/errors.ts';
import type { Store } from '../store/store.ts';
import type { Stream, StreamStatus } from '../store/stream.ts';
import type { Call } from './call.ts';

/** Refuses a change while another is under way ("the resource must be in the ACTIVE state", API reference). */
export function assertActive({ name, status }: Stream, { accountId }: Store): void {
  if (status === 'ACTIVE') return;
  throw new ApiError('ResourceInUseException', `Stream ${name} under account ${accountId} not ACTIVE, instead in state ${status}`);
}

/** Does `apply` when the status delay is over, at once when there is none; the stream shows `meanwhile` until then. */
export function change(stream: Stream, meanwhile: StreamStatus, { clock, statusDelayMs }: Call, apply: () => void): void {
  const finish = () => {
    stream.status = 'ACTIVE';
    apply();
  };
  if (statusDelayMs <= 0) return finish();
  stream.status = meanwhile;
  clock.after(statusDelayMs, finish);
}
