import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { collect } from '../../../../services/lib/windows/aggregates/collect.ts';
import { TumblingWindows } from '../../../../services/lib/windows/assigners/tumbling.ts';
import { beamPanes, type Pane } from '../../../../services/lib/windows/operators/pane.ts';
import { WindowOperator } from '../../../../services/lib/windows/operators/window-operator.ts';
import { fromBeamWatermark } from '../../../../services/lib/windows/watermarks/bounded-disorder.ts';
import { type Kind, parsed, time } from '../kind.ts';
import { triggerFrom } from '../notation.ts';

const spec = z.object({
  window: z.literal('fixed'),
  size: z.int(),
  lateness: z.int(),
  mode: z.enum(['accumulating', 'discarding']),
  trigger: z.string(),
  closing: z.enum(['fire always', 'fire if non-empty']).default('fire if non-empty'),
});
const input = z.array(z.union([z.tuple([z.literal('wm'), time]), z.tuple([z.literal('el'), z.number(), time])]));
const expected = z.array(z.looseObject({}));

/** Of a pane's information only what the vector speaks of. */
export const beamPane: Kind = (vector) => {
  const { size, lateness, mode, trigger, closing } = parsed(spec, vector, 'spec');
  const operator = new WindowOperator({
    assigner: new TumblingWindows({ size, offsets: 'non-negative' }),
    aggregate: collect<number>(),
    trigger: triggerFrom(trigger),
    allowedLateness: lateness,
    panes: beamPanes(mode, closing === 'fire always' ? 'always' : 'if-changed'),
  });
  const panes = parsed(input, vector, 'input').flatMap((step) =>
    step[0] === 'wm'
      ? operator.advanceWatermark(fromBeamWatermark(step[1]))
      : operator.process({ key: 'k', timestamp: step[2], value: step[1] }).panes,
  );
  const wanted = parsed(expected, vector, 'expect');
  const got = panes.map((pane, i) => shown(pane, wanted[i]));
  return { got, ok: isDeepStrictEqual(got, wanted) };
};

function shown({ value, timing, first, last, index, nonSpeculativeIndex }: Pane<readonly number[]>, wanted: object | undefined): object {
  const total = value.reduce((sum, each) => sum + each, 0);
  const all = { value: total, values: [...value].sort((a, b) => a - b), timing, first, last, index, nonSpeculativeIndex };
  return Object.fromEntries(Object.entries(all).filter(([name]) => wanted === undefined || name in wanted));
}
