import type { Simulation } from '../../test/simulation/simulation.ts';
import type { SimulationName } from './flags.ts';

export async function openSimulation(name: SimulationName): Promise<Simulation> {
  switch (name) {
    case 'state':
      return (await import('../../test/simulation/state/run.ts')).stateSimulation;
    case 'fraud':
      return (await import('../../test/simulation/state/run.ts')).fraudSimulation;
    case 'loader':
      return (await import('../../test/simulation/loader/run.ts')).openLoaderSimulation();
  }
}
