import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoRulesStore, rulesTable } from '../../../services/lib/rules/live/dynamo-rules-store.ts';
import { newestOf, type RulesPointer, withGeneration } from '../../../services/lib/rules/live/pointer.ts';
import type { RulesFile } from '../../../services/lib/rules/rules-file.ts';
import { parseFlags } from '../../cli/flags.ts';
import type { LocalSystem } from '../../demo/local-system.ts';
import { readAlerts } from '../../judge/collect.ts';
import { rulesPublishFlags } from '../../rules-publish/flags.ts';
import { readPointer, readPublished } from '../../rules-publish/published.ts';
import { rulesPublish } from '../../rules-publish/rules-publish.ts';
import { detectorCounters } from './detector-counters.ts';
import { nextRules } from './next-rules.ts';
import { StateWatch } from './state-watch.ts';

const pollMs = 500;
/** In force a minute after it was written; the rest is for a busy machine, and for the next snapshot, which tells. */
const switchDeadlineMs = 150_000;
const operator = 'drill';
const noRulesFile = Buffer.from('{"rules":"none of them"}\n');

export interface ReloadTools {
  readonly system: LocalSystem;
  readonly signal: AbortSignal;
}

/** As an operator does it. Resolves when every shard goes by the new rules, and both new versions have raised alerts, to that moment. */
export async function publishNewRules({ system, signal }: ReloadTools): Promise<number> {
  const store = storeOf(system);
  const { inForce } = await readPublished(store, await readPointer(store, Date.now()));
  if (inForce === undefined) throw new Error('the rules in force cannot be read');
  const next = nextRules(inForce);
  await publish(system, next, signal);
  const { generation } = newestOf(await pointerOf(store));
  await until(`the shards go by generation ${generation}`, () => notSwitched(system, generation), signal);
  await until('new rules raise alerts', () => silentRules(system, inForce, next), signal);
  return Date.now();
}

/**
 * As somebody does it who may write the table and the objects, past all checks. Resolves when the detector has said that it rejects it,
 * and every shard is beyond the moment from which it would be in force.
 */
export async function publishNoRules({ system, signal }: ReloadTools): Promise<number> {
  const store = storeOf(system);
  const counters = detectorCounters(system);
  await counters.look();
  const before = counters.read().rules_rejected;
  const hash = await store.putRules(noRulesFile);
  const now = Date.now();
  const pointer = withGeneration(await pointerOf(store), { hash, now, by: operator });
  const { generation } = newestOf(pointer);
  const audit = { at: now, by: operator, action: 'publish', details: { generation, hash } } as const;
  if ((await store.writePointer(pointer, audit)) === 'lost') throw new Error('somebody else published meanwhile');
  const notRejected = async (): Promise<string[]> => {
    await counters.look();
    return counters.read().rules_rejected > before ? [] : ['rules_rejected has not risen'];
  };
  await until(`generation ${generation} is rejected`, notRejected, signal);
  await until(`the shards are past generation ${generation}`, () => notSwitched(system, generation), signal);
  return Date.now();
}

async function publish({ stack }: LocalSystem, rules: RulesFile, signal: AbortSignal): Promise<void> {
  const path = join(stack.runDir, 'next-rules.json');
  await writeFile(path, JSON.stringify(rules));
  const place = ['--endpoint', stack.dynamoEndpoint, '--objects', stack.objectsUrl];
  const flags = parseFlags(rulesPublishFlags, ['--rules', path, ...place, '--yes']);
  const said: string[] = [];
  const keep = (line: string): void => void said.push(line);
  const exitCode = await rulesPublish(flags, { env: stack.environment(), out: keep, note: keep, now: Date.now, operator, signal });
  if (exitCode !== 0) throw new Error(`rules:publish ended with ${exitCode}: ${said.join('; ')}`);
}

const storeOf = ({ dynamo, objects }: LocalSystem): DynamoRulesStore => new DynamoRulesStore(dynamo, rulesTable.name, objects);

async function pointerOf(store: DynamoRulesStore): Promise<RulesPointer> {
  return (await readPointer(store, Date.now())).pointer;
}

async function notSwitched(system: LocalSystem, generation: number): Promise<string[]> {
  const rows = await (await StateWatch.of(system)).rows();
  return [...rows]
    .filter(([, { final, current }]) => !final && (current?.generation ?? 0) < generation)
    .map(([shardId, { current }]) => `${shardId} is at generation ${current?.generation ?? 0}`);
}

/** Rules that are new in the file and have no alert yet: a drill in which they raise none would show nothing of them. */
async function silentRules({ dynamo }: LocalSystem, before: RulesFile, after: RulesFile): Promise<string[]> {
  const nameOf = ({ id, version }: { readonly id: string; readonly version: number }): string => `${id}/${version}`;
  const old = new Set(before.rules.map(nameOf));
  const { alerts } = await readAlerts(dynamo, 'fraud-alerts');
  const raised = new Set(alerts.map(({ alert }) => nameOf({ id: alert.ruleId, version: alert.ruleVersion })));
  return after.rules
    .map(nameOf)
    .filter((name) => !old.has(name) && !raised.has(name))
    .map((name) => `no alert of ${name}`);
}

/** Rejects with what was missing when the deadline passes. */
async function until(what: string, missing: () => Promise<string[]>, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + switchDeadlineMs;
  for (;;) {
    const left = await missing();
    if (left.length === 0) return;
    if (performance.now() > deadline) throw new Error(`not within ${switchDeadlineMs / 1_000} s: ${what}: ${left.join(', ')}`);
    await sleep(pollMs, undefined, { signal });
  }
}
