import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { listFlags, releaseFlags, showFlags } from '../../../scripts/alerts/flags.ts';
import type { AlertsIo } from '../../../scripts/alerts/io.ts';
import { listAlerts } from '../../../scripts/alerts/list.ts';
import { releaseAlerts } from '../../../scripts/alerts/release.ts';
import { showAlert } from '../../../scripts/alerts/show.ts';
import { parseFlags } from '../../../scripts/cli/flags.ts';
import { itemOf } from '../../../services/lib/alerts/stored-alert.ts';
import { noon, recordOf } from './sample.ts';

type Item = Record<string, AttributeValue>;
interface Request {
  readonly ExpressionAttributeValues?: Item;
  readonly Key?: Item;
  readonly TableName: string;
}

const idOf = (n: number): string => String(n).padStart(32, '0');
const reason = 'InvalidParameterException: Invalid parameter: Message too long';
const withheldAt = { N: String(noon) };

/** Alert n, which is off the outbox, with what else is on its item. */
function offOutbox(n: number, more: Item): Item {
  const { pending: _, ...item } = itemOf(recordOf([0], { alertId: idOf(n) }));
  return { ...item, ...more };
}
const items = new Map(
  [
    offOutbox(1, { withheldAt }),
    offOutbox(2, { withheldAt, refused: { S: reason } }),
    offOutbox(3, { publishedAt: withheldAt }),
    offOutbox(4, { withheldAt, refused: { S: 'not a stored alert' }, alert: { S: '{' } }),
  ].map((item) => [item['alertId']?.S ?? '', item]),
);

describe('alerts that SNS refused', () => {
  let server: Server;
  const released: (string | undefined)[] = [];

  /** As much of DynamoDB as these commands ask for. */
  function answer(action: string, { ExpressionAttributeValues: values, Key, TableName }: Request): object {
    switch (action) {
      case 'DescribeTable':
        return { Table: { TableArn: 'arn:aws:dynamodb:us-east-1:000000000000:table/fraud-alerts' } };
      case 'Query':
        return { Items: [...items.values()].filter(({ day }) => day?.S === values?.[':partition']?.S) };
      case 'GetItem':
        return TableName === 'fraud-alerts' ? { Item: items.get(Key?.['alertId']?.S ?? '') } : {};
      case 'UpdateItem':
        released.push(Key?.['alertId']?.S);
        return {};
      default:
        return {};
    }
  }

  before(async () => {
    server = createServer((request, response) => {
      const action = String(request.headers['x-amz-target']).split('.')[1] ?? '';
      const reply = async (): Promise<void> => {
        const body = JSON.stringify(answer(action, (await json(request)) as Request));
        response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end(body);
      };
      reply().catch((error: unknown) => response.destroy(error as Error));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  async function run(call: (place: readonly string[], io: AlertsIo) => Promise<number>) {
    const [out, notes]: [string[], string[]] = [[], []];
    const io: AlertsIo = {
      env: {},
      out: (line) => out.push(line),
      note: (line) => notes.push(line),
      now: () => noon + 60_000,
      signal: new AbortController().signal,
      columns: undefined,
      isColored: false,
    };
    const code = await call(['--endpoint', `http://127.0.0.1:${(server.address() as AddressInfo).port}`], io);
    return { code, out, notes: notes.join('\n') };
  }
  const list = (...argv: string[]) => run((place, io) => listAlerts(parseFlags(listFlags, [...place, ...argv]), io));
  const release = (...argv: string[]) => run((place, io) => releaseAlerts(parseFlags(releaseFlags, [...place, ...argv]), io));

  it('are listed as such, and an item that is no alert is told and left out', async () => {
    const states = (out: readonly string[]) =>
      out
        .map((line) => JSON.parse(line) as { alertId: string; state: string; refused?: string })
        .map((of) => [of.alertId, of.state, of.refused]);
    const { out, notes } = await list('--json');
    assert.deepEqual(states(out), [
      [idOf(1), 'withheld', undefined],
      [idOf(2), 'refused', reason],
      [idOf(3), 'published', undefined],
    ]);
    assert.match(notes, new RegExp(`left out: not a stored alert: ${idOf(4)}`));
    assert.deepEqual(states((await list('--json', '--state', 'refused')).out), [[idOf(2), 'refused', reason]]);
    assert.deepEqual(states((await list('--json', '--state', 'withheld')).out), [[idOf(1), 'withheld', undefined]]);
  });

  it('are looked for under a mistyped rule: it says which rules there are, where they are at hand', async () => {
    const objects = ['--objects', 'file:///nowhere/objects'];
    const { code, out, notes } = await list('--rule', 'reserve-cancel-chrn', ...objects);
    assert.deepEqual([code, out], [0, []]);
    assert.match(notes, /there is no rule reserve-cancel-chrn; published are reserve-cancel-churn/);
    const quiet = [await list('--rule', 'reserve-cancel-churn', '--user', 'x', ...objects), await list('--rule', 'nosuch')];
    for (const { notes: told } of quiet) assert.doesNotMatch(told, /there is no rule/);
  });

  it('are shown with what SNS said', async () => {
    const { out } = await run((place, io) => showAlert(idOf(2), parseFlags(showFlags, place), io));
    assert.ok(out.some((line) => line.startsWith('state') && line.includes(reason)));
  });

  it('are released with those that the kill switch withheld', async () => {
    const argv = ['--rule', 'reserve-cancel-churn', '--since', 'PT1H'];
    const dry = await release(...argv);
    assert.match(dry.notes, /2 withheld alerts of reserve-cancel-churn[\s\S]*1 of them SNS refused/);
    assert.deepEqual(released, []);
    const { code, out } = await release(...argv, '--yes', '--json');
    const { found, refused, released: count } = JSON.parse(out[0] ?? '') as Record<string, number>;
    assert.deepEqual([code, found, refused, count], [0, 2, 1, 2]);
    assert.deepEqual(released, [idOf(1), idOf(2)]);
  });
});
