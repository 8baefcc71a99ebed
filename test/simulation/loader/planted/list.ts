import type { Edit, Planted } from '../../state/planted/list.ts';
import type { Scenario } from '../scenario.ts';

const loader = (file: string, find: string, replace: string): Edit => ({ file: `services/redshift-loader/${file}.ts`, find, replace });
const warehouse = (file: string, find: string, replace: string): Edit => ({ file: `services/lib/warehouse/${file}.ts`, find, replace });
const double = (find: string, replace: string): Edit => ({ file: 'test/services/redshift-loader/memory.ts', find, replace });

const muchRefused: Partial<Scenario> = { poison: 0.15, damages: 0, orphanAgeMs: 600_000 };
const muchDamaged: Partial<Scenario> = { poison: 0.15, damages: 4, orphanAgeMs: 600_000 };
/** Nothing but an append names an object, so that age protects none; many appends, for the sweep to come between. */
const ageless: Partial<Scenario> = { poison: 0, damages: 0, orphanAgeMs: 0, shards: 3, recordsPerShard: 40, faultRate: 0.02 };

export const planted: readonly Planted<Partial<Scenario>>[] = [
  // The shard: object, registry, checkpoint
  {
    name: 'a checkpoint of everything delivered, registered or not',
    edits: [loader('shard/shard-loader', 'const all = !isAfter(delivered, head);', 'const all = true;')],
  },
  {
    name: 'a shard ends before all is registered',
    edits: [loader('shard/shard-loader', 'await this.#current().flush();\n    const outcome', 'const outcome')],
  },
  {
    name: 'a file is registered before its object is put',
    edits: [
      loader(
        'shard/shard-stager',
        "await retrying(this.#tools, 'objects', attempts, () => objects.create(key, body, 'application/gzip'));",
        "void retrying(this.#tools, 'objects', attempts, () => objects.create(key, body, 'application/gzip')).catch(() => {});",
      ),
    ],
  },
  {
    name: 'a dead letter is not waited for',
    edits: [
      loader('shard/shard-loader', 'await this.#deadLetter(record, outcome);', 'void this.#deadLetter(record, outcome).catch(() => {});'),
    ],
  },
  {
    name: 'a file is appended wherever the head is',
    edits: [
      double(
        "if ((this.#heads.get(file.shardId) ?? trimHorizon) !== file.from || files.some((f) => f.from === file.from)) return 'lost';",
        '',
      ),
    ],
  },
  {
    name: 'who loses an append goes on as if it had won',
    edits: [loader('shard/shard-stager', "if (lost) metrics.count('appends_lost');\n        return head;", 'return file.to;')],
  },
  {
    name: 'an append without an answer counts as made',
    edits: [
      loader(
        'shard/shard-stager',
        "log.warn({ event: 'registry.unanswered'",
        "return file.to;\n        log.warn({ event: 'registry.unanswered'",
      ),
    ],
  },
  {
    name: 'what is delivered again is staged again',
    edits: [
      loader(
        'shard/shard-stager',
        'return isAfter(position, this.buffer.reached ?? this.#head);',
        'return position !== this.buffer.reached;',
      ),
    ],
  },
  // The committer
  {
    name: 'a watermark is moved without a look at where it is',
    edits: [warehouse('watermarks', ' AND position = ${literal(files[0].from)}`,', '`,')],
  },
  {
    name: 'a lost swap loads all the same',
    edits: [warehouse('watermarks', '    if (affected !== 1) return shardId;\n', '    void affected;\n')],
  },
  {
    name: 'a COMMIT without an answer counts as made',
    edits: [loader('commit/commit-round', "      if (!made) return 'again';\n", '')],
    harmless: 'the next round reads the watermarks again, and nothing was told to be loaded but figures',
  },
  {
    name: 'events that are there already are inserted again',
    edits: [warehouse('load-events', 'WHERE booking_event.event_id = load_stage.event_id', 'WHERE 1 = 0')],
  },
  {
    name: 'a repeat in one batch is inserted',
    edits: [warehouse('load-events', 'WHERE nth > 1', 'WHERE nth > 2')],
  },
  {
    name: 'files behind a faulty one are loaded',
    edits: [
      loader(
        'commit/plan',
        'chain: view.chain.slice(0, at) }',
        'chain: view.chain.filter(({ object }) => object === undefined || !unloadable.has(object.key)) }',
      ),
    ],
    scenario: muchDamaged,
  },
  // Refused lines
  {
    name: 'a refused line is not kept',
    edits: [
      loader(
        'stage/refused-lines',
        "  await tools.objects.create(quarantineKey(tools, file, found.line), Buffer.from(found.text), 'text/csv');\n",
        '',
      ),
    ],
    scenario: muchRefused,
  },
  {
    name: 'lines that were refused before are forgotten',
    edits: [loader('stage/refused-lines', '[...quarantined, line].sort(', '[line].sort(')],
    scenario: muchRefused,
  },
  {
    name: 'the file still counts the line that was taken out',
    edits: [loader('stage/refused-lines', 'rows: file.rows - 1,', 'rows: file.rows,')],
    scenario: muchRefused,
  },
  {
    name: 'the row names the new object before it is put',
    edits: [
      loader(
        'stage/refused-lines',
        "  await tools.objects.create(key, body, 'application/gzip');\n",
        "  void tools.objects.create(key, body, 'application/gzip').catch(() => {});\n",
      ),
    ],
    scenario: muchRefused,
  },
  {
    name: 'a replacement replaces whatever there is',
    edits: [double('f.from === file.from && f.fileId === file.fileId && f.object?.key === oldKey)', 'f.from === file.from)')],
    harmless: 'what a stale replacement brings back is refused, or missing, and taken out or repaired again',
    scenario: { ...muchRefused, faultRate: 0.08 },
  },
  {
    name: 'a refused line is passed over in the warehouse',
    edits: [warehouse('load', '  await writeQuarantine(session, batch, loadedAt);\n', '')],
    scenario: muchRefused,
  },
  // Repair
  {
    name: 'a repair brings back lines that are in quarantine',
    edits: [loader('stage/repair-file', '.filter(({ line }) => !quarantined.has(line))', '')],
    scenario: muchDamaged,
  },
  {
    name: 'a repair takes what lies before its range too',
    edits: [
      loader('stage/repair-file', 'return await collect(tools, file, file.from);', 'return await collect(tools, file, trimHorizon);'),
      loader('stage/repair-file', 'if (!isAfter(record.position, file.from) || isAfter(record.position, file.to)) continue;', ''),
    ],
    scenario: muchDamaged,
  },
  {
    name: 'a repair does not put the object',
    edits: [
      loader('stage/repair-file', "if (body !== undefined) await tools.objects.create(key, body, 'application/gzip');", 'void body;'),
    ],
    scenario: muchDamaged,
  },
  // What leaves the stage
  {
    name: 'a loaded file goes before it is in the lake',
    edits: [loader('stage/stage-housekeeping', '      if (known.get(batchId) !== true) return;\n', '')],
  },
  {
    name: 'the sweep does not look at the head',
    edits: [
      loader('stage/stage-housekeeping', 'if (from === undefined || !isAfter(head, from)) continue;', 'if (from === undefined) continue;'),
    ],
    scenario: ageless,
  },
  {
    name: 'the sweep reads the head after the row',
    edits: [
      loader('stage/stage-housekeeping', '    const head = await registry.head(shardId);\n', ''),
      loader('stage/stage-housekeeping', 'if (from === undefined || !isAfter(head, from)) continue;', 'if (from === undefined) continue;'),
      loader(
        'stage/stage-housekeeping',
        'if (row?.from !== from || row.object?.key !== key) orphans.push(key);',
        'if (!isAfter(await registry.head(shardId), from)) continue;\n      if (row?.from !== from || row.object?.key !== key) orphans.push(key);',
      ),
    ],
    scenario: ageless,
  },
  {
    name: 'the sweep takes what a row names',
    edits: [
      loader(
        'stage/stage-housekeeping',
        'if (row?.from !== from || row.object?.key !== key) orphans.push(key);',
        'void row;\n      orphans.push(key);',
      ),
    ],
  },
  {
    name: 'the sweep leaves what lost its append',
    edits: [loader('stage/stage-housekeeping', 'if (row?.from !== from || row.object?.key !== key)', 'if (row === undefined)')],
  },
];
