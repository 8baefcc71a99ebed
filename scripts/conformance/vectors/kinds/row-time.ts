import { z } from 'zod';
import { count } from '../../../../services/lib/windows/aggregates/count.ts';
import type { WindowAssigner } from '../../../../services/lib/windows/assigners/assigner.ts';
import { StaggerWindows } from '../../../../services/lib/windows/assigners/stagger.ts';
import { TumblingWindows } from '../../../../services/lib/windows/assigners/tumbling.ts';
import { WindowOperator } from '../../../../services/lib/windows/operators/window-operator.ts';
import { maxTime } from '../../../../services/lib/windows/time.ts';
import { windowStart } from '../../../../services/lib/windows/time-window.ts';
import { BoundedDisorder } from '../../../../services/lib/windows/watermarks/bounded-disorder.ts';
import { exactly, type Kind, time } from '../kind.ts';

const minuteMs = 60_000;
const spec = z.object({ windowMs: z.int(), partition: z.tuple([z.literal('floor(eventTime,1min)'), z.literal('key')]) });
const rows = z.array(z.object({ rowtime: time, eventTime: time, key: z.string() }));

/** Windows by ROWTIME, the arrival: it never goes back, so the watermark is right behind it. The key is what rows are partitioned by. */
function counted(assigner: WindowAssigner, input: z.infer<typeof rows>) {
  const operator = new WindowOperator({ assigner, aggregate: count });
  const rowtimes = new BoundedDisorder(0);
  const panes = input.flatMap(({ rowtime, eventTime, key }) => {
    const complete = operator.advanceWatermark(rowtimes.observe(rowtime));
    const { panes } = operator.process({
      key: JSON.stringify([windowStart(eventTime, 0, minuteMs), key]),
      timestamp: rowtime,
      value: null,
    });
    return [...complete, ...panes];
  });
  return [...panes, ...operator.advanceWatermark(maxTime)].map((pane) => {
    const [eventMinute, key] = JSON.parse(pane.key) as [number, string];
    return { emitAt: pane.window.end, eventMinute, key, count: pane.value };
  });
}

export const rowTimeKinds: Readonly<Record<string, Kind>> = {
  stagger: exactly(spec, rows, ({ windowMs }, input) => counted(new StaggerWindows({ age: windowMs }), input)),
  'kda-tumbling': exactly(spec, rows, ({ windowMs }, input) => counted(new TumblingWindows({ size: windowMs }), input)),
};
