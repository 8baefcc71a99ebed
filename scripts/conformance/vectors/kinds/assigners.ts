import { z } from 'zod';
import type { WindowAssigner } from '../../../../services/lib/windows/assigners/assigner.ts';
import { HoppingWindows } from '../../../../services/lib/windows/assigners/hopping.ts';
import { IndexedWindows } from '../../../../services/lib/windows/assigners/indexed.ts';
import { SessionWindows } from '../../../../services/lib/windows/assigners/session.ts';
import { TumblingWindows } from '../../../../services/lib/windows/assigners/tumbling.ts';
import { staggerOffset } from '../../../../services/lib/windows/assigners/window-stagger.ts';
import { type TimeWindow, windowStart } from '../../../../services/lib/windows/time-window.ts';
import { exactly, type Kind, time, Unsupported } from '../kind.ts';

export const fixedSpec = z.object({ size: z.int(), slide: z.int(), offset: z.int().default(0) });

export const fixedWindows = ({ size, slide, offset }: z.infer<typeof fixedSpec>): WindowAssigner =>
  size === slide ? new TumblingWindows({ size, offset }) : new HoppingWindows({ size, slide, offset });

export const boundsOf = ({ start, end }: TimeWindow): [number, number] => [start, end];

const assigned = (assigner: WindowAssigner, timestamps: readonly number[]) =>
  timestamps.map((ts) => ({ ts, windows: assigner.assign(ts, { openWindows: () => [] }).map(boundsOf) }));

const staggeredSpec = z.object({ size: z.int(), offset: z.int(), stagger: z.string(), firstRecordProcessingTime: z.int() });

export const assignerKinds: Readonly<Record<string, Kind>> = {
  'assign-fixed': exactly(fixedSpec, z.array(time), (spec, input) => assigned(fixedWindows(spec), input)),

  'assign-fixed-staggered': exactly(staggeredSpec, z.array(time), ({ size, offset, stagger, firstRecordProcessingTime }, input) => {
    if (!stagger.startsWith('natural')) throw new Unsupported(`stagger '${stagger}'`);
    const natural = staggerOffset({ kind: 'natural', now: firstRecordProcessingTime }, size, offset);
    return assigned(new TumblingWindows({ size, offset: natural }), input);
  }),

  'assign-fixed-by-index': exactly(z.object({ size: z.int(), slide: z.int(), alignTo: z.int() }), time, (spec, input) =>
    new IndexedWindows(spec).indexesOf(input),
  ),

  'window-start': exactly(z.object({ size: z.int(), offset: z.int() }), z.array(time), ({ size, offset }, input) =>
    input.map((ts) => windowStart(ts, offset, size)),
  ),

  'assign-session': exactly(z.object({ gap: z.int() }), z.array(time), ({ gap }, input) => assigned(new SessionWindows({ gap }), input)),
};
