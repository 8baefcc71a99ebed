import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLogger } from '../../../services/lib/process/log.ts';
import { mayStart } from '../../../services/redshift-loader/preflight.ts';

const away = 'InternalServerError';

type Line = Readonly<Record<string, unknown>>;

describe('what the loader asks the registry before it starts', () => {
  let server: Server;
  let asked: string[] = [];
  /** The exception that an operation is answered with; none: an empty answer. */
  let refusals: Readonly<Record<string, string>> = {};

  before(async () => {
    server = createServer((request, response) => {
      const operation = String(request.headers['x-amz-target']).split('.')[1] ?? '';
      asked.push(operation);
      const refusal = refusals[operation];
      response.writeHead(refusal === undefined ? 200 : refusal === away ? 500 : 400, { 'content-type': 'application/x-amz-json-1.0' });
      response.end(JSON.stringify(refusal === undefined ? {} : { __type: `com.amazonaws.dynamodb.v20120810#${refusal}`, message: 'no' }));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  async function start(refused: Readonly<Record<string, string>>): Promise<{ started: boolean; lines: readonly Line[] }> {
    asked = [];
    refusals = refused;
    const lines: Line[] = [];
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const env = {
      AWS_REGION: 'eu-west-1',
      LOCAL_MODE: 'true',
      KINESIS_ENDPOINT: url,
      DYNAMODB_ENDPOINT: url,
      SNS_ENDPOINT: url,
      OBJECTS_URL: 's3://bucket/prefix',
      REGISTRY_TABLE: 'the-registry',
      WAREHOUSE_URL: 'postgres://postgres@127.0.0.1:1/postgres', // away, which is no reason not to start
    };
    const started = await mayStart(
      env,
      createLogger('test', 'info', (line) => void lines.push(JSON.parse(line) as Line)),
    );
    return { started, lines };
  }

  it('starts when it may read in both ways', async () => {
    const { started, lines } = await start({});
    assert.deepEqual([started, asked, lines.map(({ event }) => event)], [true, ['Query', 'GetItem'], ['warehouse.away']]);
  });

  it('ends the start when the table or one of the rights is missing, and says how that is mended', async () => {
    for (const [refused, remedy] of [
      [{ Query: 'ResourceNotFoundException' }, /^correct REGISTRY_TABLE/],
      [{ Query: 'ValidationException' }, /^correct REGISTRY_TABLE/],
      [{ Query: 'AccessDeniedException' }, /dynamodb:GetItem and dynamodb:Query on the-registry$/],
      [{ GetItem: 'AccessDeniedException' }, /dynamodb:GetItem and dynamodb:Query on the-registry$/],
    ] as const) {
      const { started, lines } = await start(refused);
      const line = lines.at(-1) ?? {};
      assert.equal(started, false, JSON.stringify(refused));
      const { event, code, key, value } = line;
      assert.deepEqual([event, code, key, value], ['launcher.failed', 'TABLE_UNAVAILABLE', 'REGISTRY_TABLE', 'the-registry']);
      assert.match(String(line['remedy']), remedy);
      assert(String(line['msg']).includes(String(line['remedy'])));
    }
  });

  it('starts when the registry is merely away', async () => {
    const { started, lines } = await start({ GetItem: away });
    assert.deepEqual([started, lines.at(-1)?.['event']], [true, 'registry.away']);
  });
});
