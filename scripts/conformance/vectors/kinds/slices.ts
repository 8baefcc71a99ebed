import { z } from 'zod';
import { HoppingSlices } from '../../../../services/lib/windows/slices/hopping-slices.ts';
import { exactly, type Kind, time } from '../kind.ts';

const spec = z
  .object({ size: z.int(), slide: z.int(), offset: z.int().default(0) })
  .transform((options) => new HoppingSlices({ ...options, uneven: 'rejected' }));

export const sliceKinds: Readonly<Record<string, Kind>> = {
  'slice-end': exactly(spec, z.array(time), (slices, input) => input.map((ts) => slices.sliceEnd(ts) ?? null)),
  'slice-merge': exactly(spec, z.object({ windowEnd: time }), (slices, { windowEnd }) => ({ sliceEnds: slices.slicesOf(windowEnd) })),
  'slice-expire': exactly(spec, z.array(time), (slices, input) => input.map((windowEnd) => slices.expiredBy(windowEnd))),
  'slice-next-trigger': exactly(spec, z.array(z.object({ firedWindowEnd: time, windowEmpty: z.boolean() })), (slices, input) =>
    input.map(({ firedWindowEnd, windowEmpty }) => slices.nextTrigger(firedWindowEnd, windowEmpty) ?? null),
  ),
};
