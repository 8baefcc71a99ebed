import { simulationTests } from '../simulation-tests.ts';
import { openLoaderSimulation } from './run.ts';

describe('loader in simulation: processes die at any await, owners overlap, committers race, lines are refused, objects rot and are repaired', function () {
  simulationTests(this, openLoaderSimulation, { seeds: 5, step: 31 });
});
