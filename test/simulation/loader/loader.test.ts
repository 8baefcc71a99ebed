import { simulationTests } from '../simulation-tests.ts';
import { openLoaderSimulation } from './run.ts';

describe('loader in simulation: processes die at any await, owners overlap, committers race', function () {
  simulationTests(this, openLoaderSimulation, { seeds: 5, step: 13 });
});
