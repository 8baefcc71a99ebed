import { simulationTests } from '../simulation-tests.ts';
import { stateSimulation } from './run.ts';

describe('state in simulation: processes die at any await, leases move, stores rot, the stream is cut anew', function () {
  simulationTests(this, async () => stateSimulation, { seeds: 6, step: 23 });
});
