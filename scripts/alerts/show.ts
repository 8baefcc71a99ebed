import { readFile } from 'node:fs/promises';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { type AlertRecord, storedAlertOf } from '../../services/lib/alerts/stored-alert.ts';
import { ensureError } from '../../services/lib/process/errors.ts';
import type { Condition } from '../../services/lib/rules/compile.ts';
import { parseRulesText } from '../../services/lib/rules/rules-text.ts';
import { cannotRead } from '../cli/file-error.ts';
import { UsageError } from '../cli/flags.ts';
import type { TableTarget } from '../cli/table-target.ts';
import { alertPage } from './alert-page.ts';
import { painter } from './cells.ts';
import type { ShowFlags } from './flags.ts';
import { type AlertsIo, openAlerts } from './io.ts';
import { conditionIn, publishedCondition, rulesTableName } from './published-rules.ts';
import { plain } from './view.ts';

const widest = 120;

/** One alert. Exit code: 0, or 1 when there is no such alert. */
export async function showAlert(alertId: string | undefined, flags: ShowFlags, io: AlertsIo): Promise<number> {
  if (alertId === undefined) throw new UsageError('which alert? npm run alerts -- show ALERT_ID');
  if (!/^[0-9a-f]{32}$/.test(alertId)) throw new UsageError(`${alertId}: expected an alert's id, 32 of 0-9 and a-f, as list shows it`);
  const target = await openAlerts(flags, io);
  try {
    const record = await read(target, alertId);
    if (record === undefined) {
      io.note(`there is no alert ${alertId}`);
      return 1;
    }
    if (flags.json) io.out(JSON.stringify(plain(record)));
    else {
      const condition = await conditionOf(record, target, flags, io);
      const columns = Math.min(io.columns ?? widest, widest);
      for (const line of alertPage(record, condition, columns, painter(io.isColored))) io.out(line);
    }
    return 0;
  } finally {
    target.dynamo.destroy();
  }
}

async function read({ dynamo, table }: TableTarget, alertId: string): Promise<AlertRecord | undefined> {
  const { Item } = await dynamo.send(new GetItemCommand({ TableName: table, Key: { alertId: { S: alertId } }, ConsistentRead: true }));
  return Item === undefined ? undefined : storedAlertOf(Item);
}

async function conditionOf({ alert }: AlertRecord, target: TableTarget, flags: ShowFlags, io: AlertsIo): Promise<Condition | undefined> {
  if (flags.rules === undefined) {
    const table = rulesTableName(flags['rules-table'], io.env);
    return publishedCondition(alert, { target, table, objectsUrl: flags.objects ?? io.env['OBJECTS_URL'], note: io.note });
  }
  const bytes = await readFile(flags.rules).catch((cause: unknown) => {
    throw cannotRead('--rules', flags.rules ?? '', cause);
  });
  try {
    return conditionIn(parseRulesText(bytes), alert);
  } catch (cause) {
    throw new Error(`--rules ${flags.rules}: ${ensureError(cause).message}`, { cause });
  }
}
