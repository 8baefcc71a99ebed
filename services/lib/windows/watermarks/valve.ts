import { checkedWatermark, checkSpan, minTime } from '../time.ts';
import { WindowError } from '../window-error.ts';

/** What changed: a new joint watermark, or all inputs having become idle, or one being active again. */
export interface ValveOutput {
  readonly watermark?: number;
  readonly status?: 'IDLE' | 'ACTIVE';
}

interface Input {
  watermark: number;
  idle: boolean;
  /** False while the input, back from idleness, is behind what was already said: it must not hold the others back. */
  aligned: boolean;
}

const nothing: ValveOutput = {};
const maxInputs = 100_000;

/**
 * The joint watermark of several inputs: the lowest of those that are active. It never falls, waits until every active input has one,
 * and is not held back by an input that is idle (Flink: StatusWatermarkValve).
 */
export class WatermarkValve {
  readonly #inputs: readonly Input[];
  #watermark = minTime;
  #idle = false;

  constructor(inputs: number) {
    checkSpan('number of inputs', inputs, 1);
    if (inputs > maxInputs) throw new WindowError('PARAMETER_INVALID', `a valve has at most ${maxInputs} inputs, got ${inputs}`);
    this.#inputs = Array.from({ length: inputs }, () => ({ watermark: minTime, idle: false, aligned: true }));
  }

  get watermark(): number {
    return this.#watermark;
  }

  /** A watermark of one input. Ignored while the input is idle, and when it goes back. Throws PARAMETER_INVALID for no whole number. */
  advance(input: number, time: number): ValveOutput {
    const state = this.#input(input);
    const watermark = checkedWatermark(time);
    if (state.idle || watermark <= state.watermark) return nothing;
    state.watermark = watermark;
    state.aligned ||= watermark >= this.#watermark;
    return this.#raise(lowest(this.#inputs));
  }

  markIdle(input: number): ValveOutput {
    const state = this.#input(input);
    if (state.idle) return nothing;
    state.idle = true;
    state.aligned = false;
    const wasLowest = state.watermark === this.#watermark;
    if (this.#inputs.some(({ idle }) => !idle)) return wasLowest ? this.#raise(lowest(this.#inputs)) : nothing;
    // Nobody will move the watermark any more, so all that is known is said: the highest of all.
    const flushed = wasLowest ? this.#raise(highest(this.#inputs)) : nothing;
    this.#idle = true;
    return { ...flushed, status: 'IDLE' };
  }

  markActive(input: number): ValveOutput {
    const state = this.#input(input);
    if (!state.idle) return nothing;
    state.idle = false;
    state.aligned = state.watermark >= this.#watermark;
    if (!this.#idle) return nothing;
    this.#idle = false;
    return { status: 'ACTIVE' };
  }

  #input(index: number): Input {
    const state = this.#inputs[index];
    if (state === undefined) throw new WindowError('PARAMETER_INVALID', `there is no input ${index}, only ${this.#inputs.length}`);
    return state;
  }

  #raise(watermark: number | undefined): ValveOutput {
    if (watermark === undefined || watermark <= this.#watermark) return nothing;
    this.#watermark = watermark;
    return { watermark };
  }
}

function lowest(inputs: readonly Input[]): number | undefined {
  const aligned = inputs.filter((input) => input.aligned);
  return aligned.length === 0 ? undefined : aligned.reduce((low, { watermark }) => Math.min(low, watermark), Number.POSITIVE_INFINITY);
}

const highest = (inputs: readonly Input[]): number => inputs.reduce((high, { watermark }) => Math.max(high, watermark), minTime);
