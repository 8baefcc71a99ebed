import type { Scenario } from '../scenario.ts';

/** A change of the code under test, as text. */
export interface Edit {
  /** From the tree's root. */
  readonly file: string;
  /** Must be there exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** One step of the protocol, broken. */
export interface Planted<S = Partial<Scenario>> {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** Why what is durable at the end is right all the same; a rule of the protocol may tell nevertheless. */
  readonly harmless?: string;
  /** What makes it likely to matter. */
  readonly scenario?: S;
}

const lib = 'services/lib/state';
const edit = (file: string, find: string, replace: string): Edit => ({ file: `${lib}/${file}.ts`, find, replace });
const sim = (file: string, find: string, replace: string): Edit => ({ file: `test/simulation/state/${file}.ts`, find, replace });

const exactAgain = 'the gap between the snapshot and the checkpoint is read from the stream';

export const planted: readonly Planted[] = [
  // Fencing
  {
    name: 'alerts are put without a look at the epoch',
    edits: [sim('alerts', "if (this.#table.rows.get(shardId)?.epoch !== epoch) return 'fenced';", '')],
    harmless: 'a zombie that applies the same records raises the same alerts, and each is put if absent',
  },
  {
    name: 'the row is written without a look at the epoch',
    edits: [sim('state-table', 'if (row?.epoch !== epoch) return', 'if (row === undefined) return')],
  },
  {
    name: 'the row is read before the epoch is taken',
    edits: [
      edit(
        'ownership',
        "  const fence = await untilAnswered(\n    'take",
        "  let stale: StateRow | undefined;\n  const fence = await untilAnswered(\n    'take",
      ),
      edit(
        'ownership',
        'const seen = (await table.read(shardId))?.epoch ?? 0;',
        'stale = await table.read(shardId);\n        const seen = stale?.epoch ?? 0;',
      ),
      edit(
        'ownership',
        "const row = await untilAnswered('read the state row', () => table.read(shardId), patience);",
        "const now = await untilAnswered('read the state row', () => table.read(shardId), patience);\n  const row = now && { ...now, ...stale, epoch: now.epoch } as StateRow;",
      ),
    ],
  },
  {
    name: 'an epoch whose answer was lost is taken for ours',
    edits: [
      edit('ownership', 'await table.raiseEpoch(shardId, seen)', "await table.raiseEpoch(shardId, seen).catch(() => 'raised' as const)"),
      edit('ownership', 'row === undefined || row.epoch !== fence.epoch', 'row === undefined'),
    ],
    harmless: 'the first write, which notes the start, is refused: this owner is fenced before it does anything',
  },
  {
    name: 'a fenced snapshot is taken for written',
    edits: [edit('snapshots', "if (outcome === 'fenced') throw leaseLost(fence, 'a snapshot');", '')],
  },
  {
    name: 'fenced alerts are taken for stored',
    edits: [
      edit(
        'applier',
        "if ((await model.settle(effects, fence)) === 'fenced') throw leaseLost(fence, 'what follows from a batch');",
        'await model.settle(effects, fence);',
      ),
    ],
    harmless: 'the epoch stays passed: nothing that this owner does later is durable either',
  },
  {
    name: 'who is fenced never comes back',
    edits: [edit('stateful-shard', "this.#standing.kind === 'fenced' && now() >= this.#standing.retryAt", 'now() < 0')],
  },
  // Records, each once
  {
    name: 'the record at the position is applied again',
    edits: [
      edit(
        'applier',
        'records.filter(({ position }) => isAfter(position, this.#position))',
        'records.filter(({ position }) => !isAfter(this.#position, position))',
      ),
    ],
  },
  {
    name: 'what is delivered again is applied again',
    edits: [
      edit('applier', 'const fresh = records.filter(({ position }) => isAfter(position, this.#position));', 'const fresh = records;'),
    ],
  },
  {
    name: 'the gap up to the checkpoint is not read',
    edits: [edit('tenure', 'if (isAfter(upTo, position)) {', 'if (upTo === undefined) {')],
  },
  {
    name: 'who returns reads nothing of what was delivered to it meanwhile',
    edits: [edit('stateful-shard', '{ startedAt, upTo: this.#delivered }', '{ startedAt, upTo: startedAt ?? trimHorizon }')],
  },
  {
    name: 'alerts are not waited for',
    edits: [
      edit(
        'applier',
        'else await this.#settle(await this.#applyAll(wanted));',
        'else this.#settle(await this.#applyAll(wanted)).catch(() => {});',
      ),
    ],
  },
  {
    name: 'a dead letter is not waited for',
    edits: [edit('applier', 'await this.#bury(failure);', 'this.#bury(failure).catch(() => {});')],
    scenario: { throwing: 0.3, faultRate: 0.06, cleanStops: 6 },
  },
  // Snapshots
  {
    name: 'the pointer comes before the objects',
    edits: [
      edit(
        'snapshots',
        '    const written = await objects.write(',
        '    await this.#point({ ...name, parts: 1, bytes: 0, writtenAt: startedAt }, final);\n    const written = await objects.write(',
      ),
    ],
  },
  {
    name: 'a snapshot is not read back',
    edits: [edit('snapshots', 'await objects.use(shardId, ref, (saved) => model.check(saved), signal);', '')],
    harmless: 'the one before it, or a rebuild, is exact too while the stream is not trimmed',
  },
  {
    name: 'the snapshot before is the one the row named, loaded or not',
    edits: [edit('snapshots', 'const previous = this.#base;', 'const previous = this.#current;')],
  },
  {
    name: 'the snapshot before is the newest itself',
    edits: [edit('snapshots', 'previous: previous ?? null', 'previous: ref')],
  },
  {
    name: 'what was loaded from the snapshot before is taken to be at the newest',
    edits: [edit('recovery', 'const { position } = stored.base;', 'const { position } = row.current ?? stored.base;')],
  },
  {
    name: 'the snapshot before is never fallen back on, and nothing is rebuilt',
    edits: [
      edit(
        'recovery',
        'const { state, from } = await this.#origin(await this.shard(fence.shardId));',
        "const [state, from] = [await this.#parts.model.fresh((await this.shard(fence.shardId)).range), 'the stream' as const];",
      ),
      edit('recovery', 'for (const ref of [row.current, row.previous]) {', 'for (const ref of [row.current]) {'),
    ],
  },
  {
    name: 'trimmed records are passed over in silence',
    edits: [edit('tenure', '          model.markIncomplete(state);\n', '')],
    scenario: { trims: 6, damages: 8, checkpointsAhead: 4 },
  },
  {
    name: 'a child whose first records are gone is taken for whole',
    edits: [edit('recovery', '(await this.#beganOfLate(shard))', 'shard.parents.length > 0')],
    scenario: {
      trims: 14,
      damages: 0,
      reshards: 1,
      shards: 1,
      puts: 30,
      snapshotIntervalMs: 60,
      checkpointsAhead: 6,
      lostRows: 8,
      kills: 0,
      steals: 0,
      poison: 0,
    },
  },
  // Checkpoints
  {
    name: 'KCL is checkpointed at the newest snapshot, not the one before',
    edits: [
      edit(
        'snapshots',
        'isSameSnapshot(this.#base, this.#current) ? this.#previous?.position : undefined',
        'isSameSnapshot(this.#base, this.#current) ? this.#current?.position : undefined',
      ),
    ],
    harmless: `${exactAgain}; once that is trimmed, a damaged snapshot costs history`,
  },
  {
    name: 'a parameterless checkpoint with unsaved state',
    edits: [
      edit(
        'stateful-shard',
        'if (await this.#inTime(tenure.save())) await checkpointer.all();',
        'await checkpointer.all();\n      await this.#inTime(tenure.save());',
      ),
    ],
    harmless: exactAgain,
  },
  {
    name: 'no checkpoint at a clean stop',
    edits: [
      edit('stateful-shard', 'if (await this.#inTime(tenure.save())) await checkpointer.all();', 'await this.#inTime(tenure.save());'),
    ],
  },
  // The end of a shard, and its children
  {
    name: 'SHARD_END before the final is durable',
    edits: [edit('stateful-shard', '        await tenure.end();\n', '        await checkpointer.all();\n        await tenure.end();\n')],
    harmless: 'a child that finds no final rebuilds its parent',
  },
  {
    name: 'the final flag is ignored',
    edits: [edit('stateful-shard', 'if (taken.row.final) {', 'if (taken.row.epoch < 0) {')],
  },
  {
    name: 'a fenced process answers the end of its shard, though the lease is its own',
    edits: [
      edit(
        'stateful-shard',
        "if (!(await untilAnswered('look at the lease', () => table.ownsLease(shard.shardId), patience))) return;",
        'return;',
      ),
    ],
    harmless: 'the session fails an end without SHARD_END, and another process has another chance',
  },
  {
    name: 'a child begins with nothing',
    edits: [edit('recovery', 'if (shard.parents.length === 0) return', 'if (shard.parents.length >= 0) return')],
  },
  {
    name: 'a child of two inherits from one',
    edits: [edit('recovery', 'for (const parentId of child.parents) {', 'for (const parentId of child.parents.slice(0, 1)) {')],
  },
  {
    name: 'a child does not look for the snapshot before a final that is missing, nor at the stream',
    edits: [
      edit(
        'recovery',
        'const state = await this.#rebuild(parent, row);',
        'if (row !== undefined || parent !== undefined) return undefined;\n    const state = await this.#rebuild(parent, row);',
      ),
    ],
  },
  // Housekeeping
  {
    name: 'a final goes when one child stands alone',
    edits: [edit('housekeeping', '!rows.every(standsAlone)', '!rows.some(standsAlone)')],
  },
  {
    name: 'a final goes when its children have one snapshot each',
    edits: [
      edit(
        'housekeeping',
        '(row.current !== undefined && row.previous !== undefined && !isSameSnapshot(row.current, row.previous))',
        'row.current !== undefined',
      ),
    ],
  },
  {
    name: 'a final goes before its row says so',
    edits: [edit('housekeeping', 'await table.retire(parentId);', '')],
  },
  {
    name: 'finals are never retired',
    edits: [edit('housekeeping', 'if (!this.#ancestorsDone) await this.#retireAncestors();', '')],
  },
  {
    name: 'who retires a shard and ends there leaves its final for ever',
    edits: [edit('housekeeping', '      }\n      await this.#clear(parentId);\n', '        await this.#clear(parentId);\n      }\n')],
  },
  {
    name: 'what the ancestors of a shard left that is not listed any more stays for ever',
    edits: [edit('housekeeping', 'shards.get(parentId) ?? row;', 'shards.get(parentId) ?? { parents: [] };')],
    scenario: { trims: 6, reshards: 5, lostRows: 0 },
  },
  {
    name: 'the sweep takes what the row points at',
    edits: [
      edit(
        'housekeeping',
        '.some((ref) => ref !== undefined && sameName(ref, name))',
        '.some((ref) => ref === undefined && sameName(name, name))',
      ),
    ],
  },
  {
    name: 'what earlier owners left is not swept',
    edits: [edit('housekeeping', '    for (const orphan of orphans) await objects.deletePart(orphan);\n', '')],
  },
  {
    name: 'a new pointer deletes the snapshot before it too',
    edits: [edit('snapshots', ' && !isSameSnapshot(old, previous),', ',')],
  },
  // Poison
  {
    name: 'deaths are not counted',
    edits: [edit('attempts', 'deathsBeforeSkip = 3', 'deathsBeforeSkip = 1_000_000')],
  },
  {
    name: 'records never go one by one',
    edits: [edit('attempts', 'attempt.starts > 1', 'attempt.starts > 1_000_000')],
  },
  {
    name: 'care ends before a snapshot lies behind',
    edits: [edit('tenure', 'if (this.#snapshots.current !== this.#loaded) this.#applier.passed();', 'this.#applier.passed();')],
  },
  {
    name: 'a record that is skipped is not noted in the row',
    edits: [edit('tenure', 'table.write(fence, { attempt, skips, ...lineage })', 'table.write(fence, { attempt, ...lineage })')],
    scenario: { poison: 3, rottenFinals: 0.8, reshards: 3, lostRows: 0 },
  },
  {
    name: 'a rebuild applies what is to be skipped',
    edits: [edit('recovery', 'const skips = new Set(row?.skips.map(({ position }) => position));', 'const skips = new Set<string>();')],
    scenario: { poison: 3, rottenFinals: 0.8, reshards: 3, lostRows: 0 },
  },
];
