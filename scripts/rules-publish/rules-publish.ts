import { openObjectStore } from '../../services/lib/objects/open.ts';
import { ensureError, isPlatformError } from '../../services/lib/process/errors.ts';
import { DynamoRulesStore, rulesTable } from '../../services/lib/rules/live/dynamo-rules-store.ts';
import { rulesSchemaVersion } from '../../services/lib/rules/live/schema-version.ts';
import { UsageError } from '../cli/flags.ts';
import { openTable, type TableTarget } from '../cli/table-target.ts';
import { type Action, actionOf, type RulesPublishFlags } from './flags.ts';
import { listed } from './list.ts';
import { publish } from './publish.ts';
import { knownRules, readPointer, readPublished, referencedGenerations } from './published.ts';
import { type Place, type Result, refusal } from './result.ts';
import { setWithheld } from './withhold.ts';

export interface RulesPublishIo {
  readonly env: NodeJS.ProcessEnv;
  /** Data; one line a call. */
  readonly out: (line: string) => void;
  /** For people. */
  readonly note: (line: string) => void;
  /** Epoch ms. */
  readonly now: () => number;
  /** Who runs the command, as the machine knows them. */
  readonly operator: string;
  readonly signal: AbortSignal;
}

/** Exit code: 0 done, nothing to do, or a dry run; 1 refused. */
export async function rulesPublish(flags: RulesPublishFlags, io: RulesPublishIo): Promise<number> {
  const action = actionOf(flags);
  const objectsUrl = objectsOf(flags, io.env);
  let target: TableTarget | undefined;
  const told = ({ refused, text, figures }: Result): void => {
    if (flags.json)
      io.out(JSON.stringify({ type: 'result', action: action.kind, dryRun: !flags.yes, ...target?.place, ...figures, ok: !refused }));
    else for (const line of text) (refused ? io.note : io.out)(line);
  };
  try {
    target = await openTable(flags, flags.table ?? io.env['RULES_TABLE'] ?? rulesTable.name, io);
    const place = await placeOf(target, objectsUrl, flags, io);
    const result = await run(action, place, flags.yes, io);
    told(result);
    if (!result.refused && !flags.yes && action.kind !== 'list') io.note('Nothing was written: this is a dry run. --yes writes.');
    return result.refused ? 1 : 0;
  } catch (error) {
    if (flags.json && !isUsage(error)) told(refusal([ensureError(error).message])); // whoever reads the line gets one
    throw error;
  } finally {
    target?.dynamo.destroy();
  }
}

/** Of what the command line, or the configuration in its place, says. */
export const isUsage = (error: unknown): boolean => error instanceof UsageError || isPlatformError(error, 'CONFIG_INVALID');

/** Looks at what is published, and does what is asked for. */
export async function run(
  action: Action,
  place: Place,
  yes: boolean,
  io: Pick<RulesPublishIo, 'now' | 'note' | 'signal'>,
): Promise<Result> {
  const pointer = await readPointer(place.store, io.now());
  if ('what' in action) {
    const known = action.what === 'all' ? undefined : await knownRules(place.store, pointer);
    return setWithheld(action.kind, action.what, { published: pointer, known, place, yes });
  }
  const published = await readPublished(place.store, pointer);
  if (action.kind === 'list') return listed(published, io.now());
  return publish(action, { published, place, yes, signal: io.signal, note: io.note });
}

/** Throws UsageError: a stage's detectors read no folder of this machine. */
function objectsOf({ objects, stage }: RulesPublishFlags, env: NodeJS.ProcessEnv): string {
  const url = objects ?? env['OBJECTS_URL'];
  if (url === undefined) throw new UsageError("--objects URL is needed (or OBJECTS_URL): the detectors' object store");
  if (stage !== undefined && !url.startsWith('s3://'))
    throw new UsageError(`--objects ${url}: a stage has its objects in s3://bucket/prefix`);
  return url;
}

async function placeOf(target: TableTarget, objectsUrl: string, flags: RulesPublishFlags, io: RulesPublishIo): Promise<Place> {
  const objects = openObjectStore(objectsUrl, { AWS_REGION: target.place.region, LOCAL_MODE: target.place.stage === 'local' });
  const stateTable = flags['state-table'] ?? io.env['STATE_TABLE'] ?? 'shard-state';
  return {
    ...target.place,
    store: new DynamoRulesStore(target.dynamo, target.table, objects),
    referenced: () => referencedGenerations(target, stateTable),
    now: io.now,
    by: io.operator,
    schema: rulesSchemaVersion,
  };
}
