import { z } from 'zod';
import type { Aggregate } from '../../../../services/lib/windows/aggregates/aggregate.ts';
import { collect } from '../../../../services/lib/windows/aggregates/collect.ts';
import { count } from '../../../../services/lib/windows/aggregates/count.ts';
import { max, min } from '../../../../services/lib/windows/aggregates/extreme.ts';
import { several } from '../../../../services/lib/windows/aggregates/several.ts';
import type { WindowAssigner } from '../../../../services/lib/windows/assigners/assigner.ts';
import { hasMerged, mergeInto, mergeWindows } from '../../../../services/lib/windows/assigners/merge.ts';
import { type SessionConvention, SessionWindows } from '../../../../services/lib/windows/assigners/session.ts';
import { SlicedWindowOperator } from '../../../../services/lib/windows/operators/sliced-window-operator.ts';
import { WindowOperator } from '../../../../services/lib/windows/operators/window-operator.ts';
import { HoppingSlices } from '../../../../services/lib/windows/slices/hopping-slices.ts';
import { maxTime } from '../../../../services/lib/windows/time.ts';
import { TimeWindow } from '../../../../services/lib/windows/time-window.ts';
import { bounds, compared, exactly, type Kind, parsed, time } from '../kind.ts';
import { boundsOf, fixedSpec, fixedWindows } from './assigners.ts';

const touching = z.enum(['merge', 'separate']);
const touchingSpec = z.object({ touching });
const sessionSpec = z.object({ gap: z.int(), touching });
const windows = z.array(bounds.transform(([start, end]) => new TimeWindow(start, end)));

/** All records of one key, then the end of all time: each window with what lies in it. */
function panesOf<V, A, R>(assigner: WindowAssigner, aggregate: Aggregate<V, A, R>, records: readonly { ts: number; value: V }[]) {
  const operator = new WindowOperator({ assigner, aggregate });
  for (const { ts, value } of records) operator.process({ key: 'k', timestamp: ts, value });
  return operator.advanceWatermark(maxTime);
}

const grouped = (assigner: WindowAssigner, timestamps: readonly number[]) =>
  panesOf(
    assigner,
    collect<number>(),
    timestamps.map((ts) => ({ ts, value: ts })),
  ).map(({ window, value }) => ({ window, ts: [...value].sort((a, b) => a - b) }));

function sessions(gap: number, convention: SessionConvention, timestamps: readonly number[]) {
  const assigner = new SessionWindows({ gap, convention });
  return grouped(assigner, timestamps).map(({ window, ts }) => ({ bounds: assigner.boundsOf(window), ts }));
}

/** Windows added one by one; what to add stands beside what is expected. */
const mergeIncremental: Kind = (vector) => {
  const { touching } = parsed(touchingSpec, vector, 'spec');
  const steps = parsed(z.array(z.object({ add: bounds })), vector, 'expect');
  let open: readonly TimeWindow[] = [];
  const got = steps.map(({ add }) => {
    const merged = mergeInto(open, new TimeWindow(...add), touching);
    open = [...open.filter((window) => !merged.absorbed.includes(window)), merged.window];
    return { add, result: boundsOf(merged.window), merged: hasMerged(merged) };
  });
  return compared(got, vector.expect);
};

export const groupingKinds: Readonly<Record<string, Kind>> = {
  'group-fixed': exactly(fixedSpec, z.array(time), (spec, input) =>
    grouped(fixedWindows(spec), input).map(({ window, ts }) => ({ window: boundsOf(window), ts })),
  ),

  'group-count-fixed': exactly(fixedSpec, z.object({ everyMs: z.int(), n: z.int(), t0: z.int() }), (spec, { everyMs, n, t0 }) => {
    const operator = new SlicedWindowOperator({ slices: new HoppingSlices(spec), aggregate: several({ count, min, max }) });
    for (let i = 0; i < n; i++) operator.process({ key: 'k', timestamp: t0 + i * everyMs, value: i });
    return operator.advanceWatermark(maxTime).map(({ window, value }) => ({ window: boundsOf(window), ...value }));
  }),

  'group-session': exactly(sessionSpec, z.array(time), ({ gap, touching }, input) =>
    sessions(gap, touching === 'merge' ? 'touching-merges' : 'gap-exclusive', input).map(({ bounds, ts }) => ({ window: bounds, ts })),
  ),

  'group-session-inclusive': exactly(z.object({ gap: z.int(), touching: z.literal('merge') }), z.array(time), ({ gap }, input) =>
    sessions(gap, 'inclusive-bounds', input).map(({ bounds, ts }) => ({ session: bounds, ts })),
  ),

  'merge-windows': exactly(touchingSpec, windows, ({ touching }, input) => mergeWindows(input, touching).map(boundsOf)),

  'merge-incremental': mergeIncremental,
};
