import { defaultRulesFile } from '../../services/fraud-detector/default-rules.ts';
import { bookingEvents } from '../../services/lib/events/streams.ts';
import { PlatformError } from '../../services/lib/process/errors.ts';
import { maxGenerations, newestOf, prunable, type RulesPointer, schemaOf, withGeneration } from '../../services/lib/rules/live/pointer.ts';
import { hashOf, readOrSeed } from '../../services/lib/rules/live/rules-store.ts';
import { parseRulesText } from '../../services/lib/rules/rules-text.ts';
import { readRulesBytes } from '../backtest/run.ts';
import { changedUnderOneVersion } from '../backtest/same-version.ts';
import { type Summary, summaryText } from '../backtest/summary.ts';
import { changesOf, changesText } from './changes.ts';
import { compareOver } from './compare.ts';
import type { Action } from './flags.ts';
import type { Published } from './published.ts';
import { type Place, type Result, refusal, writeSurely } from './result.ts';
import { isAllMissing, notCompared, putIntact, remedies, restore, wrongStore } from './unreadable.ts';

/** Old generations go only when there are so many: until then they are history. */
const pruneFrom = maxGenerations / 2;
const hourMs = 3_600_000;

export interface PublishContext {
  readonly published: Published;
  readonly place: Place;
  readonly yes: boolean;
  readonly signal: AbortSignal;
  readonly note: (line: string) => void;
}

/** Publishes a file, or a generation again. What is invalid is refused whole. */
export async function publish(action: Extract<Action, { kind: 'publish' | 'rollback' }>, context: PublishContext): Promise<Result> {
  const { published, place, yes, signal } = context;
  const found = await contentOf(action, published, place.schema);
  if ('problems' in found) return refusal(found.problems);
  const { bytes, schema } = found;
  const file = parseRulesText(bytes);
  const hash = hashOf(bytes);
  const lost = published.unreadable.filter((one) => one.hash === hash);
  if (lost.length > 0) return restore(lost, bytes, published, { store: place.store, yes });
  if (isAllMissing(published)) throw new PlatformError('OBJECT_MISSING', `${wrongStore} ${remedies(published)[0]}`);
  if (hash === newestOf(published.pointer).hash) {
    return {
      refused: false,
      text: [`Generation ${newestOf(published.pointer).generation} is just this content: there is nothing to publish.`],
      figures: { hash, published: false },
    };
  }
  const twofold = [
    ...new Set(
      published.files.flatMap((before) =>
        changedUnderOneVersion(before.file, file).map((line) => `generation ${before.generation}: ${line}`),
      ),
    ),
  ];
  if (twofold.length > 0)
    return refusal([
      'refused: rules differ from published ones of the same version. A shard that knows the version would go on with what it remembers of the old one.',
      ...twofold,
    ]);

  const newest = Math.max(...published.pointer.generations.map(schemaOf));
  if (action.kind === 'publish' && schema > newest && !action.deployed)
    return refusal([
      `refused: rules of this build have schema version ${schema}, those published so far at most ${newest}. A detector of an older build would wait at the first record they bind, until it is replaced.`,
      'Deploy this build to every detector first, then say --deployed.',
    ]);

  const { inForce } = published;
  const against = `generation ${newestOf(published.pointer).generation}`;
  const changes = inForce && changesOf(inForce, file);
  const summary = action.events === undefined ? undefined : await compareOver(action.events, file, inForce, signal);
  const sides =
    inForce === undefined
      ? `  (of the rules to be published alone: ${against} cannot be read)`
      : '  (--against: the rules in force; --rules: those to be published)';
  const text = [
    ...(inForce === undefined || changes === undefined
      ? [`what changes against ${against} is not known: its file cannot be read`]
      : [`against ${against}:`, ...changesText(changes, inForce, file)]),
    ...(summary === undefined ? [] : [summaryText(summary).trimEnd(), sides]),
    ...notCompared(published),
  ];
  if (signal.aborted) return refusal([...text, 'interrupted: nothing was published']);
  const figures = { hash, changes, ...(summary === undefined ? {} : { backtest: figuresOf(summary) }) };
  if (!yes) return { refused: false, text, figures: { ...figures, published: false } };
  const next = await write(action.kind, bytes, context);
  if (next === undefined)
    return refusal([
      ...text,
      `refused: ${maxGenerations} generations are listed and none can go yet: a record or a shard still needs them`,
    ]);
  const { generation, activeFrom } = newestOf(next);
  return {
    refused: false,
    text: [...text, `Generation ${generation} is published: in force for what arrives from ${new Date(activeFrom).toISOString()} on.`],
    figures: { ...figures, published: true, generation, activeFrom },
  };

  async function write(kind: 'publish' | 'rollback', content: Buffer, { note }: PublishContext): Promise<RulesPointer | undefined> {
    await putIntact(place.store, content);
    const seeded = published.isNew ? await readOrSeed(place.store, defaultRulesFile, place.now()) : published.pointer;
    const pointer = await pruned({ ...published, pointer: seeded }, place, note);
    if (pointer.generations.length >= maxGenerations) return undefined;
    const at = place.now(); // readers count on it that the write follows at once
    const after = withGeneration(pointer, { hash, now: at, by: place.by, schema });
    const details = {
      generation: newestOf(after).generation,
      hash,
      before: newestOf(pointer).hash,
      activeFrom: newestOf(after).activeFrom,
      changes,
    };
    await writeSurely(place, after, { at, by: place.by, action: kind, details });
    return after;
  }
}

async function contentOf(
  action: Extract<Action, { kind: 'publish' | 'rollback' }>,
  { files, pointer, unreadable }: Published,
  schema: number,
): Promise<{ readonly bytes: Buffer; readonly schema: number } | { readonly problems: readonly string[] }> {
  if (action.kind === 'publish') {
    const bytes = await readRulesBytes('--rules', action.path);
    try {
      parseRulesText(bytes);
      return { bytes, schema };
    } catch (error) {
      return { problems: [`--rules ${action.path}: ${error instanceof Error ? error.message : String(error)}`] };
    }
  }
  const listed = pointer.generations.find(({ generation }) => generation === action.generation);
  const found = files.find(({ generation }) => generation === action.generation);
  if (listed !== undefined && found !== undefined) return { bytes: found.bytes, schema: schemaOf(listed) };
  if (listed === undefined) return { problems: [`there is no generation ${action.generation}; --list tells which there are`] };
  const lost = unreadable.filter(({ generation }) => generation === action.generation);
  return { problems: lost.length > 0 ? remedies({ pointer, unreadable: lost }) : [`generation ${action.generation} is invalid`] };
}

async function pruned({ pointer, files }: Published, place: Place, note: (line: string) => void): Promise<RulesPointer> {
  if (pointer.generations.length < pruneFrom) return pointer;
  const referenced = await place.referenced();
  if (referenced === undefined) {
    note('no generation is taken off the list: the table of the shards, which tells what they need, is not there (--state-table NAME)');
    return pointer;
  }
  const valid = new Set(files.map(({ generation }) => generation));
  const gone = new Set(prunable(pointer, { now: place.now(), retentionMs: bookingEvents.retentionHours * hourMs, referenced, valid }));
  return { ...pointer, generations: pointer.generations.filter(({ generation }) => !gone.has(generation)) };
}

const figuresOf = ({ events, used, difference, warnings }: Summary) => ({ events, used, difference, warnings });
