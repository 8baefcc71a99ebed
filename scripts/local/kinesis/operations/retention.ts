import { invalidArgument } from '../protocol/errors.ts';
import { integerIn, required, together } from '../protocol/input.ts';
import { maxRetentionHours, minRetentionHours } from '../store/retention.ts';
import type { Stream } from '../store/stream.ts';
import { type Call, noBody, type Operation, streamOf, streamReferenceIn } from './call.ts';
import { assertActive, change } from './status.ts';

export const increaseStreamRetentionPeriod: Operation = (call) =>
  changeRetention(call, ({ name, retention }, hours) => {
    if (hours >= retention.hours) return;
    throw invalidArgument(
      `Requested retention period (${hours} hours) for stream ${name} can not be shorter than existing retention period (${retention.hours} hours). Use DecreaseRetentionPeriod API.`,
    );
  });

export const decreaseStreamRetentionPeriod: Operation = (call) =>
  changeRetention(call, ({ name, retention }, hours) => {
    if (hours <= retention.hours) return;
    throw invalidArgument(
      `Requested retention period (${hours} hours) for stream ${name} can not be longer than existing retention period (${retention.hours} hours). Use IncreaseRetentionPeriod API.`,
    );
  });

function changeRetention(call: Call, check: (stream: Stream, hours: number) => void) {
  const { input, store } = call;
  const { hours } = together({
    hours: () => required(integerIn(input, 'RetentionPeriodHours'), 'RetentionPeriodHours'),
    stream: () => streamReferenceIn(input),
  });
  const stream = streamOf(call);
  const requested = `Requested retention period (${hours} hours)`;
  if (hours < minRetentionHours) {
    throw invalidArgument(`Minimum allowed retention period is ${minRetentionHours} hours. ${requested} is too short.`);
  }
  if (hours > maxRetentionHours) {
    throw invalidArgument(`Maximum allowed retention period is ${maxRetentionHours} hours. ${requested} is too long.`);
  }
  check(stream, hours);
  assertActive(stream, store);
  change(stream, 'UPDATING', call, () => stream.retention.change(hours));
  return noBody;
}
