import type { LocalSystem } from '../../demo/local-system.ts';
import { ServiceCounters } from '../service-counters.ts';

/** What tells how a fault was met (services/lib/state, services/lib/rules/live). */
const counterNames = [
  'records_skipped',
  'fenced',
  'fenced_writes_refused',
  'snapshots_written',
  'snapshots_unusable',
  'state_rebuilt',
  'rules_switched',
  'rules_rejected',
] as const;
type CounterName = (typeof counterNames)[number];

export const detectorCounters = (system: Pick<LocalSystem, 'tasks'>): ServiceCounters<CounterName> =>
  new ServiceCounters(system, 'fraud-detector', counterNames);
