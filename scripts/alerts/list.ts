import type { TableTarget } from '../cli/table-target.ts';
import { knownRules, readPointer } from '../rules-publish/published.ts';
import { painter } from './cells.ts';
import { filterOf, findAlerts } from './find.ts';
import type { ListFlags } from './flags.ts';
import { type AlertsIo, openAlerts } from './io.ts';
import { listTable } from './list-table.ts';
import { publishedStore, rulesTableName } from './published-rules.ts';
import { plain } from './view.ts';
import { counted, utc } from './words.ts';

/** The newest alerts. Exit code: 0, also when there is none; 130 when it was stopped. */
export async function listAlerts(flags: ListFlags, io: AlertsIo): Promise<number> {
  const now = io.now();
  const filter = filterOf(flags, now);
  const target = await openAlerts(flags, io);
  try {
    const found = [];
    let isMore = false;
    for await (const record of findAlerts(target, filter, 'newest first', { now, note: io.note })) {
      if (io.signal.aborted) return 130;
      isMore = found.length === flags.limit;
      if (isMore) break;
      found.push(record);
    }
    const paint = painter(io.isColored);
    if (flags.json) for (const record of found) io.out(JSON.stringify(plain(record)));
    else if (found.length > 0) for (const line of listTable(found, io.columns, paint)) io.out(line);
    const since = filter.since === undefined ? '' : ` since ${utc(filter.since)} UTC`;
    if (found.length === 0) await warnOfRule(flags, target, io);
    io.note(`${counted(found.length, 'alert')}${since}${isMore ? `, the newest; there are more (--limit N, or export)` : ''}`);
    return 0;
  } finally {
    target.dynamo.destroy();
  }
}

/** No alert of a rule that is not published: was it mistyped? Nothing is said where the rules are not at hand. */
async function warnOfRule(
  { rule, objects, 'rules-table': table }: ListFlags,
  target: TableTarget,
  { env, now, note }: AlertsIo,
): Promise<void> {
  const objectsUrl = objects ?? env['OBJECTS_URL'];
  if (rule === undefined || objectsUrl === undefined) return;
  const store = publishedStore(target, rulesTableName(table, env), objectsUrl);
  const known = await readPointer(store, now()).then(
    (pointer) => knownRules(store, pointer),
    () => undefined,
  );
  if (known?.has(rule) === false) note(`there is no rule ${rule}; published are ${[...known].sort().join(', ')}`);
}
