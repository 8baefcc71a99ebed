import { flag, option, preset } from '../cli/flags.ts';
import { parseInteger, parseOneOf } from '../cli/values.ts';

export const simulationNames = ['state', 'fraud', 'loader'] as const;
export type SimulationName = (typeof simulationNames)[number];

export const simFlags = {
  only: option(simulationNames.join('|'), 'one of them', undefined, parseOneOf(...simulationNames)),
  seeds: preset('N', 'schedules of each, from seed 1 on; with --planted at most for each bug', '200', parseInteger(1, 1_000_000)),
  'every-call': flag('then one run for each call of a plain run and each way in which it can go wrong'),
  planted: flag(
    'instead: breaks one step of the protocols of state and loader after the other in a copy, and looks for the first seeds that tell',
  ),
  json: flag('the last line is {"type":"result","ok",…}'),
};
