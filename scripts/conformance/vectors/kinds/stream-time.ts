import { z } from 'zod';
import { SlidingWindows } from '../../../../services/lib/windows/stream-time/sliding-windows.ts';
import type { Emit, StreamTimeOperator } from '../../../../services/lib/windows/stream-time/stream-time-operator.ts';
import { StreamTimeSessions } from '../../../../services/lib/windows/stream-time/stream-time-sessions.ts';
import { StreamTimeWindows } from '../../../../services/lib/windows/stream-time/stream-time-windows.ts';
import { anyOrder, exactly, type Kind, time } from '../kind.ts';
import { aggregateNamed, aggregateNames, type Value } from '../notation.ts';

const windowSpec = z.discriminatedUnion('window', [
  z.object({ window: z.literal('fixed'), size: z.int(), slide: z.int(), grace: z.int() }),
  z.object({ window: z.literal('session'), gap: z.int(), grace: z.int() }),
]);
const runSpec = windowSpec.and(z.object({ emit: z.enum(['on-update', 'on-close']), agg: aggregateNames }));
const value = z.union([z.string(), z.number()]);
const records = z.array(z.union([z.tuple([z.string(), time]), z.tuple([z.string(), time, value])]));

function operatorFor(spec: z.infer<typeof windowSpec>, emit: Emit, aggregate: ReturnType<typeof aggregateNamed>) {
  return spec.window === 'fixed'
    ? new StreamTimeWindows({ ...spec, emit, aggregate })
    : new StreamTimeSessions({ ...spec, emit, aggregate });
}

const run = (operator: StreamTimeOperator<Value, unknown>, input: z.infer<typeof records>) =>
  input.flatMap(([key, timestamp, value = 1]) =>
    operator.process({ key, timestamp, value }).results.map((result) => [result.key, result.window, result.value]),
  );

export const streamTimeKinds: Readonly<Record<string, Kind>> = {
  'stream-time-run': exactly(runSpec, records, (spec, input) => run(operatorFor(spec, spec.emit, aggregateNamed(spec.agg, '+')), input)),

  'stream-time-accept': exactly(windowSpec, z.array(z.object({ streamTime: time, key: z.string(), ts: time })), (spec, input) => {
    const operator = operatorFor(spec, 'on-update', aggregateNamed('count', ''));
    return input.map(({ streamTime, key, ts }) => {
      operator.advanceTo(streamTime);
      return operator.process({ key, timestamp: ts, value: 1 }).outcome === 'used' ? 'accept' : 'drop';
    });
  }),

  'kafka-sliding-final': anyOrder(
    z.object({ diff: z.int(), grace: z.int(), agg: aggregateNames }),
    records,
    ({ diff, grace, agg }, input) =>
      run(new SlidingWindows({ difference: diff, grace, emit: 'on-close', aggregate: aggregateNamed(agg, '') }), input),
  ),
};
