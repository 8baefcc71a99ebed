import type { RulesStore } from '../../services/lib/rules/live/rules-store.ts';
import { readPointer, readPublished } from '../rules-publish/published.ts';
import type { OracleGeneration } from './naive-alerts.ts';

/**
 * The rules that detectors had to go by, oldest first. A generation whose file is no rules file changes nothing and is left out.
 * `now`, epoch ms, is of no matter where something was published.
 */
export async function readGenerations(store: RulesStore, now: number): Promise<OracleGeneration[]> {
  const published = await readPublished(store, await readPointer(store, now));
  const files = new Map(published.files.map(({ generation, file }) => [generation, file]));
  return published.pointer.generations.flatMap(({ generation, activeFrom }) => {
    const rules = files.get(generation);
    return rules === undefined ? [] : [{ generation, activeFrom, rules }];
  });
}
