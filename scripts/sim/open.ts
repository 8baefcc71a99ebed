import type { Simulation } from '../../test/simulation/simulation.ts';
import type { SimulationName } from './flags.ts';

export async function openSimulation(name: SimulationName): Promise<Simulation> {
  if (name === 'state') return (await import('../../test/simulation/state/run.ts')).stateSimulation;
  return (await import('../../test/simulation/loader/run.ts')).openLoaderSimulation();
}
