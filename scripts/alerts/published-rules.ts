import { Readable } from 'node:stream';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { defaultRules } from '../../services/fraud-detector/default-rules.ts';
import type { ObjectStore } from '../../services/lib/objects/object-store.ts';
import { openObjectStore } from '../../services/lib/objects/open.ts';
import { ensureError } from '../../services/lib/process/errors.ts';
import type { Alert } from '../../services/lib/rules/alert.ts';
import { type Condition, compileRules } from '../../services/lib/rules/compile.ts';
import { DynamoRulesStore, rulesTable } from '../../services/lib/rules/live/dynamo-rules-store.ts';
import type { RulesPointer } from '../../services/lib/rules/live/pointer.ts';
import type { RulesFile } from '../../services/lib/rules/rules-file.ts';
import { parseRulesText } from '../../services/lib/rules/rules-text.ts';
import type { TableTarget } from '../cli/table-target.ts';

export const rulesTableName = (flag: string | undefined, env: NodeJS.ProcessEnv): string => flag ?? env['RULES_TABLE'] ?? rulesTable.name;

/** Throws CONFIG_INVALID. */
export function publishedStore({ dynamo, place }: TableTarget, table: string, objectsUrl: string): DynamoRulesStore {
  return new DynamoRulesStore(
    dynamo,
    table,
    openObjectStore(objectsUrl, { AWS_REGION: place.region, LOCAL_MODE: place.stage === 'local' }),
  );
}

/** What the alert's own version of its rule asks for; undefined when these rules have another version of it, or none. */
export function conditionIn(file: RulesFile, { ruleId, ruleVersion }: Alert): Condition | undefined {
  return compileRules(file).rules.find(({ id, version }) => id === ruleId && version === ruleVersion)?.condition;
}

/** Of the newest publication that has the alert's version of its rule, else of the rules of this build. Tells by `note` why it cannot. */
export async function publishedCondition(
  alert: Alert,
  { target, table, objectsUrl, note }: { target: TableTarget; table: string; objectsUrl: string | undefined; note: (line: string) => void },
): Promise<Condition | undefined> {
  const ofBuild = conditionIn(defaultRules, alert);
  if (ofBuild !== undefined || objectsUrl === undefined) return ofBuild;
  try {
    const store = publishedStore(target, table, objectsUrl);
    for (const { hash } of (await store.readPointer())?.generations.toReversed() ?? []) {
      const condition = conditionIn(parseRulesText(await store.readRules(hash)), alert);
      if (condition !== undefined) return condition;
    }
  } catch (error) {
    note(`the published rules cannot be read: ${ensureError(error).message}`);
  }
  return undefined;
}

const noObject = async (): Promise<never> => {
  throw new Error('no object store was named');
};
/** For who reads the pointer alone. */
const noObjects: ObjectStore = { create: noObject, read: noObject, head: noObject, delete: noObject, list: () => Readable.from([]) };

export const readPointer = (dynamo: DynamoDBClient, table: string): Promise<RulesPointer | undefined> =>
  new DynamoRulesStore(dynamo, table, noObjects).readPointer();
