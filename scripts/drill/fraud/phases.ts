import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalSystem } from '../../demo/local-system.ts';
import type { ServiceProcess } from '../../demo/service-process.ts';
import type { Random } from '../../generate/random.ts';
import type { DynamoProxy } from '../../local/faults/dynamodb-proxy.ts';
import type { ObjectOutage } from '../../local/faults/object-outage.ts';
import { tableFaultKinds } from '../../local/faults/table-faults.ts';
import { outage, processPhase, reshardPhase, zombiePhases } from '../blows.ts';
import type { Phase } from '../campaign.ts';
import type { FraudFault } from './faults.ts';
import type { Poison } from './poison.ts';
import { publishNewRules, publishNoRules } from './reload.ts';

const strikePollMs = 5;

export interface Tools {
  readonly system: LocalSystem;
  readonly dynamo: DynamoProxy;
  /** Of every service. */
  readonly objects: ObjectOutage;
  /** The same objects, as the detector alone sees them. */
  readonly snapshots: ObjectOutage;
  /** How long a store is away. */
  readonly outageMs: number;
  readonly poison: Poison;
  readonly random: Random;
  readonly signal: AbortSignal;
}

export function phasesOf(fault: FraudFault, tools: Tools): Phase[] {
  const { system, dynamo, objects, snapshots } = tools;
  const detector = system.services['fraud-detector'];
  switch (fault.kind) {
    case 'child':
    case 'jvm':
    case 'task':
    case 'term':
      return [processPhase(fault.kind, detector, tools.random)];
    case 'reshard':
      return [reshardPhase(system, fault)];
    case 'alert-store':
      return [
        {
          name: `alerts table fails for ${tools.outageMs / 1_000} s`,
          act: () =>
            outage(tools, {
              begin: () => dynamo.fail({ table: 'fraud-alerts', kinds: tableFaultKinds }),
              end: () => dynamo.fail(undefined),
            }),
        },
      ];
    case 'object-store':
      return [{ name: `object store away for ${tools.outageMs / 1_000} s`, act: () => outage(tools, objects) }];
    case 'snapshot-store':
      return [{ name: `object store away from the detector for ${tools.outageMs / 1_000} s`, act: () => outage(tools, snapshots) }];
    case 'zombie':
      return zombiePhases(system, 'fraud-detector', 'SIGSTOP, a second task takes over', (task) => stopWhileStoring(tools, task));
    case 'poison':
      return [{ name: 'a record kills who applies it', act: () => tools.poison.strike(system.objects, tools.signal) }];
    case 'reload':
      return [
        { name: 'new rules are published', act: () => publishNewRules(tools) },
        { name: 'what is no rules file is published', act: () => publishNoRules(tools) },
      ];
  }
}

/** It is stopped while it tries to store an alert, so that it comes back with a write that must be refused. */
async function stopWhileStoring({ dynamo, signal }: Tools, task: ServiceProcess): Promise<number> {
  dynamo.fail({ table: 'fraud-alerts', kinds: ['error'] });
  while (dynamo.struck === 0) await sleep(strikePollMs, undefined, { signal });
  const at = Date.now();
  task.pause();
  dynamo.fail(undefined);
  return at;
}
