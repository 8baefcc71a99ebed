import { simulationTests } from '../simulation-tests.ts';
import { fraudSimulation, stateSimulation } from './run.ts';

describe('state in simulation: processes die at any await, leases move, stores rot, the stream is cut anew', function () {
  simulationTests(this, async () => stateSimulation, { seeds: 6, step: 23 });
});

describe('fraud detector in simulation: alerts are those of the oracle', function () {
  simulationTests(this, async () => fraudSimulation, { seeds: 6, step: 31 });
});
