import { z } from 'zod';
import { minTime } from '../../../../services/lib/windows/time.ts';
import { BoundedDisorder } from '../../../../services/lib/windows/watermarks/bounded-disorder.ts';
import { IdleTimer } from '../../../../services/lib/windows/watermarks/idle-timer.ts';
import { type ValveOutput, WatermarkValve } from '../../../../services/lib/windows/watermarks/valve.ts';
import { exactly, type Kind, time } from '../kind.ts';

const valveSteps = z.array(
  z.union([z.tuple([z.literal('wm'), z.int(), time]), z.tuple([z.literal('idle'), z.int()]), z.tuple([z.literal('active'), z.int()])]),
);

function step(valve: WatermarkValve, [what, input, watermark]: z.infer<typeof valveSteps>[number]): ValveOutput {
  if (what === 'wm') return valve.advance(input, watermark);
  return what === 'idle' ? valve.markIdle(input) : valve.markActive(input);
}

/** A step tells a watermark, a status, or nothing; both only when the last input becomes idle behind another. */
const told = ({ watermark, status }: ValveOutput): unknown =>
  watermark !== undefined && status !== undefined ? [watermark, status] : (watermark ?? status ?? null);

const idleSteps = z.array(z.union([z.tuple([z.enum(['check', 'activity'])]), z.tuple([z.literal('advance'), z.int()])]));

function idleChecks(timeout: number, steps: z.infer<typeof idleSteps>): boolean[] {
  const timer = new IdleTimer(timeout);
  const checks: boolean[] = [];
  let now = 0;
  for (const [what, span = 0] of steps) {
    now += span;
    if (what === 'check') checks.push(timer.probe(now));
    if (what === 'activity') timer.activity();
  }
  return checks;
}

export const watermarkKinds: Readonly<Record<string, Kind>> = {
  'watermark-gen': exactly(z.object({ maxOutOfOrderness: z.int() }), z.array(time), ({ maxOutOfOrderness }, input) => {
    const generator = new BoundedDisorder(maxOutOfOrderness);
    for (const ts of input) generator.observe(ts);
    return generator.watermark === minTime ? 'min' : generator.watermark;
  }),

  'idle-timer': exactly(z.object({ timeout: z.int() }), idleSteps, ({ timeout }, input) => idleChecks(timeout, input)),

  'watermark-min': exactly(z.object({ inputs: z.int() }), valveSteps, ({ inputs }, input) => {
    const valve = new WatermarkValve(inputs);
    return input.map((each) => told(step(valve, each)));
  }),
};
